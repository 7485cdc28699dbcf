/** Amounts of money, which come as text: `$1,234.50`; of less than a cent one figure, `$0.004`. */
export function dollars(amount: string): string {
  const value = Number(amount);
  return (value > 0 && value < 0.01 ? MINUTE : USUAL).format(value);
}

const currency = { style: 'currency', currency: 'USD' } as const;
const USUAL = new Intl.NumberFormat('en', currency);
const MINUTE = new Intl.NumberFormat('en', { ...currency, maximumSignificantDigits: 1 });
