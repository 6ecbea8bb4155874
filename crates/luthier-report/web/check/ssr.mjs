// Draws every plot of the made-up documents as SVG in a bare engine, as the library does: no document, no window, and timers
// that never fire.  node ssr.mjs DIR [NAME…]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import vm from 'node:vm';
import { scripts } from './assemble.mjs';
import { documents } from './fixture.mjs';

const [dir = '.', ...names] = process.argv.slice(2);
mkdirSync(dir, { recursive: true });

/** An engine without what the engines that run this may lack, and with chance that always says the same. */
function engine(chance) {
  const context = vm.createContext({ setTimeout: () => 0, clearTimeout: () => {} });
  vm.runInContext(`delete globalThis.Intl; delete globalThis.WebAssembly; Math.random = () => ${chance};`, context);
  for (const script of scripts()) vm.runInContext(script, context);
  return (report) => {
    context.text = JSON.stringify(report);
    return JSON.parse(vm.runInContext('JSON.stringify(luthier.svg(JSON.parse(text), { width: 900 }))', context));
  };
}

const [draw, drawAgain] = [engine(0.1), engine(0.9)];
let faults = 0;
for (const [name, make] of Object.entries(documents)) {
  if (names.length && !names.includes(name)) continue;
  const made = draw(make());
  if (JSON.stringify(made) !== JSON.stringify(drawAgain(make()))) {
    faults += 1;
    console.error(`FAULT ${name}: the pictures depend on chance`);
  }
  for (const { id, title, description, rows, svg } of made) {
    const marks = (svg.match(/<(path|text|rect|circle|polyline|polygon)\b/g) ?? []).length;
    const isWhole = svg.startsWith('<svg') && svg.endsWith('</svg>') && marks > 8 && title && description && rows > 0 && !/NaN|undefined|<script/.test(svg);
    if (!isWhole) {
      faults += 1;
      console.error(`FAULT ${name} ${id}: ${marks} marks, ${rows} rows, ${(svg.match(/.{30}(NaN|undefined|<script).{30}/) ?? [''])[0]}`);
    }
    writeFileSync(join(dir, `${name}-${id}.svg`), svg);
  }
  console.log(`${name}: ${made.map((plot) => plot.id).join(' ')}`);
}
process.exitCode = faults ? 1 : 0;
