// Opens reports in a headless browser and fails on anything that a reader should not meet.
//   node check.mjs [--shots DIR] REPORT.html…
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { blankPlots, launch, open } from './page.mjs';
import { exercise } from './exercise.mjs';

const axe = readFileSync(new URL('./node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const mostBytes = 2_000_000;
const mostMilliseconds = 2000;

const words = process.argv.slice(2);
const at = words.indexOf('--shots');
const shots = at >= 0 ? words.splice(at, 2)[1] : null;
if (!words.length) throw new Error('usage: node check.mjs [--shots DIR] REPORT.html…');
if (shots) mkdirSync(shots, { recursive: true });

/** Serious findings of axe. It is put in by the debugger's protocol, which the policy of the page does not bind. */
async function accessibility(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return found.violations.filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `axe ${one.impact} ${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => `${node.target} ${(node.any[0] || node.all[0] || node.none[0] || {}).message ?? ''}`).join(' | ')}`);
}

async function look(browser, file, width, scheme, faults) {
  const { page, faults: met, context } = await open(browser, file, { width, scheme });
  const name = `${basename(file, '.html')} ${scheme} ${width}`;
  const drawn = await page.evaluate(() => Number(document.documentElement.dataset.drawn));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > width) met.push(`the page is ${wide} pixels wide in a window of ${width}`);
  met.push(...(await blankPlots(page)).map(([id, coloured]) => `plot ${id} is blank: ${coloured} coloured pixels`));
  if (await page.evaluate(() => globalThis.hacked)) met.push('markup of the data was run');
  met.push(...(await accessibility(page)));
  if (shots) await page.screenshot({ path: join(shots, `${basename(file, '.html')}-${scheme}-${width}.png`), fullPage: true });
  faults.push(...met.map((fault) => `${name}: ${fault}`));
  await context.close();
  return drawn;
}

/** With the colours of the reader's system: plots must be readable on their ground, and stages must keep their colours. */
async function forced(browser, file, scheme, faults) {
  const { page, faults: met, context } = await open(browser, file, { scheme, forcedColors: 'active' });
  const name = `${basename(file, '.html')} forced colours ${scheme}`;
  if (!(await page.evaluate(() => matchMedia('(forced-colors: active)').matches))) met.push('colours are not forced');
  met.push(...(await blankPlots(page)).map(([id, coloured]) => `plot ${id} is blank: ${coloured} coloured pixels`));
  const isGrounded = await page.evaluate(() => {
    const { surface } = globalThis.luthier.figures.theme();
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(surface.slice(at, at + 2), 16));
    return [...document.querySelectorAll('.canvas')].every((node) => getComputedStyle(node).backgroundColor === `rgb(${r}, ${g}, ${b})`);
  });
  if (!isGrounded) met.push('plots are not on the ground of their theme');
  if (await page.locator('#theme').isVisible()) met.push('there is a button for colours that the page does not choose');
  const lost = await page.evaluate(() => [...document.querySelectorAll('.swatch')].filter((node) => node.style.getPropertyValue('--stage')).filter((node) => {
    const own = node.style.getPropertyValue('--stage').trim();
    const seen = getComputedStyle(node).backgroundColor.match(/\d+/g).slice(0, 3).map((x) => Number(x).toString(16).padStart(2, '0')).join('');
    return `#${seen}` !== own;
  }).length);
  if (lost) met.push(`${lost} stages lost their colours`);
  met.push(...(await accessibility(page)));
  if (shots) await page.screenshot({ path: join(shots, `${basename(file, '.html')}-forced-${scheme}.png`), fullPage: true });
  faults.push(...met.map((fault) => `${name}: ${fault}`));
  await context.close();
}

const browser = await launch();
const faults = [];
for (const word of words) {
  const file = resolve(word);
  const size = statSync(file).size;
  if (size > mostBytes) faults.push(`${word}: ${size} bytes, more than ${mostBytes}`);
  const times = [];
  for (const [width, scheme] of [[1280, 'light'], [1280, 'dark'], [390, 'light'], [390, 'dark']]) times.push(await look(browser, file, width, scheme, faults));
  const drawn = Math.min(...times);
  if (drawn > mostMilliseconds) faults.push(`${word}: drawn in ${drawn} ms at best, more than ${mostMilliseconds}`);
  for (const scheme of ['light', 'dark']) await forced(browser, file, scheme, faults);
  const { page, faults: met, context } = await open(browser, file);
  const done = await exercise(page, met);
  faults.push(...met.map((fault) => `${basename(file)} used: ${fault}`));
  await context.close();
  console.log(`${basename(file)}: ${size} bytes, drawn in ${times.join(', ')} ms; ${done.join(', ')}`);
}
await browser.close();
for (const fault of faults) console.error(`FAULT ${fault}`);
console.log(faults.length ? `${faults.length} faults` : 'no faults');
process.exitCode = faults.length ? 1 : 0;
