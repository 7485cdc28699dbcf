// Bundles the widget: one ES module with everything in it, as anywidget sends it to the page as a text.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { rspack } from '@rspack/core';

const here = path => fileURLToPath(new URL(path, import.meta.url));

const compiler = rspack({
  mode: 'production',
  target: ['web', 'es2022'],
  entry: here('./src/hosts/widget/index.tsx'),
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
      },
      // all styles go with the widget as one sheet
      { test: /\.css$/, type: 'asset/source' }
    ]
  },
  performance: { hints: false },
  devtool: false
});

// The packages that are part of the module, with the texts of their licences, as JupyterLab's builder writes them.
const licences = stats => {
  const folders = new Set();
  const visit = modules => {
    for (const each of modules ?? []) {
      const match = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(each.nameForCondition ?? '');
      if (match) {
        folders.add(match[0]);
      }
      visit(each.modules);
    }
  };
  visit(
    stats.toJson({
      all: false,
      modules: true,
      nestedModules: true,
      modulesSpace: Infinity,
      nestedModulesSpace: Infinity
    }).modules
  );
  const packages = [...folders].sort().map(folder => {
    const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
    const file = readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry));
    const extractedText = file ? readFileSync(`${folder}/${file}`, 'utf8') : '';
    return { name, versionInfo: version, licenseId: license, extractedText };
  });
  return JSON.stringify({ packages }, null, 2);
};

compiler.run((fault, stats) => {
  if (fault || stats?.hasErrors()) {
    console.error(fault ?? stats.toString({ preset: 'errors-only' }));
    process.exitCode = 1;
  }
  const styles = ['panel', 'calendar', 'versions'].map(name => readFileSync(here(`./style/${name}.css`), 'utf8'));
  writeFileSync(here('../jupyter_schedule/_static/widget.css'), styles.join('\n'));
  if (stats) {
    writeFileSync(here('../jupyter_schedule/_static/third-party-licenses.json'), licences(stats));
  }
  compiler.close(() => undefined);
});
