// One report file from the template and a document, as the library assembles it.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const web = join(dirname(fileURLToPath(import.meta.url)), '..');
const text = (name) => readFileSync(join(web, name), 'utf8');
const hash = (content) => `'sha256-${createHash('sha256').update(content).digest('base64')}'`;

/** The scripts in the order in which they run. */
export function scripts() {
  const app = readdirSync(join(web, 'app')).filter((name) => name.endsWith('.js')).sort();
  return [text('vendor/echarts.js'), app.map((name) => text(`app/${name}`)).join('\n')];
}

const escapes = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026', '\u2028': '\\u2028', '\u2029': '\\u2029' };

export function assemble(report) {
  const style = text('style.css');
  const run = scripts();
  const data = JSON.stringify(report).replace(/[<>&\u2028\u2029]/g, (c) => escapes[c]);
  const policy = `default-src 'none'; script-src ${run.map(hash).join(' ')}; style-src ${hash(style)}; img-src data: blob:; base-uri 'none'; form-action 'none'`;
  const parts = {
    CSP: `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    STYLE: `<style>${style}</style>`,
    DATA: `<script type="application/json" id="data">${data}</script>`,
    SCRIPTS: run.map((script) => `<script>${script}</script>`).join('\n'),
  };
  return text('page.html').replace(/<!-- ([A-Z]+) -->/g, (all, name) => parts[name] ?? all);
}
