// Loads traces in speedscope, a viewer of another project, and compares what it reads with what was written.
//   node trace.mjs TRACE.json…
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from './page.mjs';

const viewer = fileURLToPath(new URL('./node_modules/speedscope/dist/release/index.html', import.meta.url));

/** What the viewer has after it has read a trace, as it saves it: `{shared: {frames}, profiles: [{name, events}]}`. */
async function viewed(browser, file, faults) {
  const dir = mkdtempSync(join(tmpdir(), 'trace-'));
  const context = await browser.newContext({ acceptDownloads: true });
  try {
    const script = join(dir, 'load.js');
    writeFileSync(script, `speedscope.loadFileFromBase64("trace.json", "${readFileSync(file).toString('base64')}");`);
    const page = await context.newPage();
    page.on('console', (message) => {
      const isOfDriver = message.text().includes('GL Driver Message');
      if (['error', 'warning'].includes(message.type()) && !isOfDriver) faults.push(`console: ${message.text().slice(0, 300)}`);
    });
    page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
    await page.goto(`file://${viewer}#localProfilePath=${script}`);
    await page.getByText('Left Heavy').waitFor({ timeout: 20000 });
    const [download] = await Promise.all([page.waitForEvent('download', { timeout: 20000 }), page.keyboard.press('Control+s')]);
    return JSON.parse(readFileSync(await download.path(), 'utf8'));
  } finally {
    await context.close();
    rmSync(dir, { recursive: true });
  }
}

/** The slices of a profile: `{name, depth, duration}`, with 0 for the outermost. */
function slices(profile, frames) {
  const found = [];
  const stack = [];
  for (const event of profile.events) {
    if (event.type === 'O') {
      const slice = { name: frames[event.frame].name, depth: stack.length, start: event.at };
      found.push(slice);
      stack.push(slice);
    } else {
      const slice = stack.pop();
      if (slice.name !== frames[event.frame].name) throw new Error(`${slice.name} ends as ${frames[event.frame].name}`);
      slice.duration = event.at - slice.start;
    }
  }
  return found;
}

const sum = (values) => values.reduce((total, x) => total + x, 0);

/** Says what was read; `faults` collects where that is not what was written. */
async function check(browser, file, faults) {
  const { traceEvents } = JSON.parse(readFileSync(file, 'utf8'));
  const written = traceEvents.filter((event) => event.ph === 'X');
  const { shared, profiles } = await viewed(browser, file, faults);
  const lanes = profiles.map((profile) => ({ name: profile.name, slices: slices(profile, shared.frames) }));
  const all = lanes.flatMap((lane) => lane.slices);
  const expect = (holds, what) => holds || faults.push(what);
  expect(all.length === written.length, `${all.length} slices were read and ${written.length} written`);
  const [read, meant] = [sum(all.map((slice) => slice.duration)), sum(written.map((event) => event.dur))];
  expect(read === meant, `the slices that were read take ${read} µs and those written ${meant} µs`);
  for (const { args } of traceEvents.filter((event) => event.name === 'thread_name')) {
    expect(lanes.some((lane) => lane.name.includes(args.name)), `there is no lane of the thread ${args.name}`);
  }
  // The search is outermost, and its phases are within it, from its start to its end.
  const own = lanes.find((lane) => lane.slices.some((slice) => slice.depth === 0 && slice.name.startsWith('search')));
  if (!own) {
    faults.push('there is no search among the outermost slices');
    return `${all.length} slices`;
  }
  const [search, ...inside] = own.slices;
  const phases = inside.filter((slice) => slice.depth === 1);
  const total = sum(phases.map((slice) => slice.duration));
  expect(phases.length > 0, 'the search has no phases within it');
  expect(Math.abs(total - search.duration) <= 1, `the phases take ${total} µs of ${search.duration} µs`);
  const depth = 1 + all.reduce((most, slice) => Math.max(most, slice.depth), 0);
  return `${all.length} slices in ${lanes.length} lanes, ${depth} deep; ${phases.length} phases take ${total} of ${search.duration} µs`;
}

const browser = await launch();
let faulty = 0;
for (const file of process.argv.slice(2)) {
  const faults = [];
  const said = await check(browser, file, faults);
  console.log(`${file}: ${said}`);
  for (const fault of faults) console.error(`FAULT ${file}: ${fault}`);
  faulty += faults.length;
}
await browser.close();
process.exitCode = faulty ? 1 : 0;
