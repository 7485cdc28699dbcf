// Bundles the widget: one ES module with everything in it, as anywidget sends it to the page as a text.
import { fileURLToPath } from 'node:url';

import { rspack } from '@rspack/core';

const here = path => fileURLToPath(new URL(path, import.meta.url));

const compiler = rspack({
  mode: 'production',
  target: ['web', 'es2022'],
  entry: here('./src/widget/index.tsx'),
  output: {
    path: here('../jupyter_schedule/_static'),
    filename: 'widget.js',
    module: true,
    library: { type: 'module' },
    chunkFormat: 'module'
  },
  experiments: { outputModule: true },
  resolve: { extensions: ['.tsx', '.ts', '.js'] },
  module: {
    // There is no address from which a second file could be fetched.
    parser: { javascript: { dynamicImportMode: 'eager' } },
    rules: [
      {
        test: /\.tsx?$/,
        loader: 'builtin:swc-loader',
        options: {
          jsc: {
            parser: { syntax: 'typescript', tsx: true },
            transform: { react: { runtime: 'automatic' } },
            target: 'es2022'
          }
        },
        type: 'javascript/auto'
      }
    ]
  },
  performance: { hints: false },
  devtool: false
});

compiler.run((fault, stats) => {
  if (fault || stats?.hasErrors()) {
    console.error(fault ?? stats.toString({ preset: 'errors-only' }));
    process.exitCode = 1;
  }
  compiler.close(() => undefined);
});
