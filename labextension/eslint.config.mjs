// The rules of JupyterLab's extension template, read with types; React's rules of hooks; and the floor plan.
import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import reactHooks from 'eslint-plugin-react-hooks';
import ts from 'typescript-eslint';

/** Files of `rooms` import nothing of `others`; `why` is said where one does. */
function floor(rooms, others, why) {
  const patterns = [{ group: others, message: why }];
  return {
    files: rooms.map(room => `src/${room}/**`),
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] }
  };
}

const JUPYTERLAB = ['@jupyterlab/*', '@lumino/*'];
const ANYWHERE = 'The panel also runs in a cell’s output and in VS Code, where there is no JupyterLab: ask the Host.';

export default defineConfig([
  { ignores: ['lib', 'src/api/types.ts'] },
  {
    files: ['**/*.{ts,tsx,mts}'],
    extends: [js.configs.recommended, ts.configs.recommendedTypeChecked],
    plugins: { 'react-hooks': reactHooks },
    languageOptions: { parserOptions: { project: './tests/tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      curly: 'error',
      eqeqeq: 'error',
      'prefer-arrow-callback': 'error',
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      // `const { [name]: _, ...others } = state` leaves one out.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Our interfaces declare functions as methods; components take them apart, and none of them uses `this`.
      '@typescript-eslint/unbound-method': 'off'
    }
  },
  floor(
    ['api'],
    [...JUPYTERLAB, '**/model/**', '**/views/**', '**/hosts/**', '**/plugins/**'],
    'The API is the ground.'
  ),
  floor(['model'], [...JUPYTERLAB, 'react', '**/views/**', '**/hosts/**', '**/plugins/**'], 'The model is pure.'),
  floor(['views'], [...JUPYTERLAB, '**/hosts/**', '**/plugins/**'], ANYWHERE),
  floor(['hosts/widget'], [...JUPYTERLAB, '**/lab/**', '**/plugins/**'], ANYWHERE),
  floor(['hosts/lab'], ['**/widget/**', '**/plugins/**'], 'Plugins stand on their host.'),
  {
    files: ['tests/**'],
    rules: {
      // A double is asynchronous because what it stands for is.
      '@typescript-eslint/require-await': 'off',
      // A request's body is any JSON; the test says what it has to be.
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off'
    }
  },
  {
    files: ['*.mjs'],
    extends: [js.configs.recommended],
    languageOptions: { globals: { URL: 'readonly', console: 'readonly', process: 'readonly' } }
  }
]);
