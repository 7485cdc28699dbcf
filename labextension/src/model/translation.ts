/** The part of JupyterLab's translation bundle that components use; `%1`, `%2` … are filled in. */
export interface TranslationBundle {
  __(text: string, ...values: Array<string | number>): string;
  _n(one: string, many: string, count: number, ...values: Array<string | number>): string;
}

/** English, for a host without translations. */
export const english: TranslationBundle = {
  __: fill,
  _n: (one, many, count, ...values) => fill(count === 1 ? one : many, count, ...values)
};

function fill(text: string, ...values: Array<string | number>): string {
  return text.replace(/%(\d+)/g, (whole, place: string) => String(values[Number(place) - 1] ?? whole));
}
