// Uses a report as a reader does, by pointer and by keyboard, and checks what changes.

/** Returns the names of what was tried: what a report does not have is not tried. */
export async function exercise(page, faults) {
  const done = [];
  const expect = (holds, what) => holds || faults.push(what);
  for (const [name, selector, use] of [
    ['sort', '#leaderboard table', sort], ['filter', '#leaderboard input[type=search]', filter], ['rounds', '#leaderboard button.open', rounds],
    ['pages', '#leaderboard .pager button', pages], ['columns', '#all-columns', columns], ['download', '#csv', download],
    ['brush', '#parallel', brush], ['heat map', '#heat', heat], ['zoom', '#timeline', zoom], ['find', '#find', find],
    ['rows', 'figure details', rows], ['tip', '#timeline', tip], ['compare', '#compare', compare], ['copy', '#repeat button[aria-label^="Copy"]', copy], ['theme', '#theme', theme],
  ]) {
    if (!(await page.locator(selector).count())) continue;
    try {
      await use(page, expect, faults);
    } catch (error) {
      faults.push(`${name}: ${String(error.message).slice(0, 300)}`);
    }
    done.push(name);
  }
  return done;
}

const body = (page) => page.locator('#leaderboard > .rows > .table > table > tbody > tr:not(.detail)');
const column = (page, at) => body(page).evaluateAll((rows, at) => rows.map((row) => row.children[at]?.textContent ?? ''), at);
const numbers = (texts) => texts.map((text) => Number(text.replace(/,/g, '').replace('−', '-'))).filter(Number.isFinite);
const isAscending = (values) => values.every((x, at) => at === 0 || values[at - 1] <= x);

async function sort(page, expect) {
  const heads = page.locator('#leaderboard > .rows > .table > table > thead th');
  const at = await heads.evaluateAll((all) => all.findIndex((head) => head.textContent.startsWith('candidate')));
  const button = heads.nth(at).locator('button');
  await button.click();
  expect(isAscending(numbers(await column(page, at + 1))), 'a click on a head does not sort upwards');
  expect((await heads.nth(at).getAttribute('aria-sort')) === 'ascending', 'aria-sort is not ascending');
  await page.keyboard.press('Enter');
  expect(isAscending(numbers(await column(page, at + 1)).reverse()), 'Enter on a head does not sort downwards');
  expect((await heads.nth(at).getAttribute('aria-sort')) === 'descending', 'aria-sort is not descending');
  await heads.nth(0).locator('button').focus();
  await page.keyboard.press('Space');
  expect((await heads.nth(0).getAttribute('aria-sort')) === 'ascending', 'the space bar on a head does not sort');
  // All is as it was: by rank, upwards.
}

async function filter(page, expect) {
  const input = page.locator('#leaderboard input[type=search]').first();
  const before = await body(page).count();
  await input.fill('rank=1');
  const found = await body(page).count();
  expect(found === 1, `the filter rank=1 shows ${found} rows`);
  await input.fill('rank<3 rank>1');
  expect((await body(page).count()) === Math.min(1, before - 1) || before === 1, 'the filter of two comparisons does not show one row');
  await input.fill('rank<');
  expect((await body(page).count()) === before, 'a condition that is not finished hides rows');
  expect((await page.locator('#leaderboard .status').first().textContent()).includes('not finished'), 'a condition that is not finished is not told');
  await input.fill('ranc = 1');
  expect((await body(page).textContent()).includes('No column is called “ranc”'), 'a column that there is not is not told');
  await input.fill('there is nothing like this');
  expect((await body(page).textContent()).includes('No candidate'), 'a filter for nothing shows something');
  await input.focus();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  expect((await body(page).count()) === before, 'an empty filter does not show all rows again');
}

async function rounds(page, expect) {
  const button = page.locator('#leaderboard button.open').first();
  await button.focus();
  await page.keyboard.press('Enter');
  expect((await button.getAttribute('aria-expanded')) === 'true', 'a row does not open');
  expect((await page.locator('#leaderboard tr.detail:not([hidden]) table tbody tr').count()) > 0, 'an open row shows no rounds');
  await page.keyboard.press('Enter');
  expect((await page.locator('#leaderboard tr.detail:not([hidden])').count()) === 0, 'a row does not close');
}

async function pages(page, expect) {
  const first = (await column(page, 1))[0];
  await page.locator('#leaderboard button[aria-label="Next page"]').focus();
  await page.keyboard.press('Enter');
  expect((await column(page, 1))[0] !== first, 'the next page is the same');
  expect(await page.evaluate(() => Boolean(document.activeElement.closest('.pager'))), 'the focus is lost as a page is turned');
  await page.locator('#leaderboard button[aria-label="First page"]').click();
  expect((await column(page, 1))[0] === first, 'the first page is another');
  await page.locator('#leaderboard button[aria-label="Last page"]').click();
  const all = await page.evaluate(() => JSON.parse(document.getElementById('data').textContent).candidates.count);
  expect(numbers(await column(page, 1)).includes(all), 'the last candidate is not on the last page');
  await page.locator('#leaderboard button[aria-label="First page"]').click();
}

async function columns(page, expect) {
  const heads = page.locator('#leaderboard > .rows > .table > table > thead th');
  const before = await heads.count();
  await page.locator('#all-columns').focus();
  await page.keyboard.press('Space');
  expect((await heads.count()) > before, 'the box does not show more columns');
  await page.locator('#all-columns').click();
  expect((await heads.count()) === before, 'the box does not hide the columns again');
}

async function download(page, expect) {
  const [file] = await Promise.all([page.waitForEvent('download'), page.locator('#csv').click()]);
  const chunks = [];
  for await (const chunk of await file.createReadStream()) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const best = await page.evaluate(() => {
    const data = JSON.parse(document.getElementById('data').textContent);
    return String(data.candidates.mean[data.candidates.rank.indexOf(1)]);
  });
  expect(text.startsWith('rank,candidate,'), `the file begins with ${text.slice(0, 40)}`);
  expect(best === 'NaN' || text.includes(best), 'the file has not the full mean of the first candidate');
}

const kept = async (page) => Number(((await page.locator('#leaderboard .status').first().textContent()).match(/^[\d,]+/) ?? ['0'])[0].replace(/,/g, ''));

async function brush(page, expect) {
  const before = await kept(page);
  const canvas = page.locator('#parallel canvas');
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  // The pointer: along the last axis, the score, its lower two thirds.
  const x = box.x + box.width - 150;
  await page.mouse.move(x, box.y + 150);
  await page.mouse.down();
  await page.mouse.move(x, box.y + 250, { steps: 6 });
  await page.mouse.move(x, box.y + 352, { steps: 6 });
  await page.mouse.up();
  await page.waitForTimeout(150);
  const byPointer = await kept(page);
  expect(byPointer > 0 && byPointer < before, `a brush keeps ${byPointer} of ${before} candidates in the leaderboard`);
  await page.locator('#unbrush').click();
  expect((await kept(page)) === before, 'the leaderboard does not show all again');
  // The keyboard: a number in the field of the first axis that has one.
  const field = page.locator('.brush input[type=number]').first();
  await field.focus();
  await page.keyboard.type((await field.getAttribute('placeholder')).replace('−', '-'));
  await page.keyboard.press('Tab');
  const [low] = [await page.locator('.brush input[type=number]').nth(0).inputValue()];
  await page.keyboard.type(low);
  await page.keyboard.press('Tab');
  const byKeyboard = await kept(page);
  expect(byKeyboard < before, `the fields keep ${byKeyboard} of ${before} candidates in the leaderboard`);
  await page.locator('#unbrush').focus();
  await page.keyboard.press('Enter');
  expect((await kept(page)) === before, 'the keyboard does not show all again');
}

async function heat(page, expect) {
  const selects = page.locator('#parameters .tools select');
  if ((await selects.count()) < 2) return;
  const before = await page.locator('#heat h3').textContent();
  const other = await selects.nth(0).evaluate((node) => [...node.options].map((option) => option.value).find((value) => value !== node.value && value !== node.closest('.tools').querySelectorAll('select')[1].value));
  await selects.nth(0).selectOption(other);
  expect((await page.locator('#heat h3').textContent()) !== before, 'another parameter does not change the heat map');
}

const window = (page) => page.evaluate(() => globalThis.luthier.timeline.state.window.slice());

async function zoom(page, expect) {
  const whole = await window(page);
  const canvas = page.locator('#timeline .canvas');
  const work = await page.evaluate(() => {
    const { plot, canvas } = globalThis.luthier.figures.all.find((one) => one.plot.id === 'timeline');
    return { bars: plot.runs.map((run) => run.drawn.length), most: plot.runs.map((run) => run.lanes.length * canvas.clientWidth) };
  });
  expect(work.bars.every((n, at) => n > 0 && n <= work.most[at]), `${work.bars} bars are drawn, more than there are pixels`);
  await page.locator('#time button[aria-label="Zoom in"]').click();
  const closer = await window(page);
  expect(closer[1] - closer[0] < 0.6 * (whole[1] - whole[0]), 'the button does not zoom in');
  await canvas.focus();
  await page.keyboard.press('ArrowRight');
  const later = await window(page);
  expect(later[0] > closer[0], 'the arrow does not move');
  await page.keyboard.press('+');
  expect((await window(page))[1] - (await window(page))[0] < closer[1] - closer[0], 'the plus key does not zoom in');
  await page.keyboard.press('Home');
  expect((await window(page))[0] === whole[0] && (await window(page))[1] === whole[1], 'Home does not show all');
  // The wheel with Ctrl, and the pointer that drags.
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 35);
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, -400);
  await page.keyboard.up('Control');
  await page.waitForTimeout(250);
  const wheeled = await window(page);
  expect(wheeled[1] - wheeled[0] < whole[1] - whole[0], 'Ctrl and the wheel do not zoom');
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 - 80, box.y + 35, { steps: 5 });
  await page.mouse.up();
  await page.waitForTimeout(250);
  expect((await window(page))[0] > wheeled[0], 'dragging does not move');
  await page.locator('#time button[aria-label="Show all of it"]').click();
}

async function find(page, expect) {
  const input = page.locator('#find');
  const picture = () => page.locator('#timeline canvas').evaluate((node) => node.toDataURL().length);
  const before = await picture();
  await input.fill('candidate 0');
  const n = await page.evaluate(() => globalThis.luthier.timeline.state.hits.length);
  const all = await page.evaluate(() => {
    const runs = [JSON.parse(document.getElementById('data').textContent)];
    if (runs[0].compare) runs.push(runs[0].compare);
    const has = (found) => found && (Array.isArray(found) ? found.includes(0) : found.from <= 0 && found.to >= 0);
    return runs.reduce((sum, run) => sum + run.events.candidates.filter(has).length, 0);
  });
  expect(n === all, `found ${n} events of candidate 0, and there are ${all}`);
  // A run that knew all scores before has none.
  if (!n) {
    await input.fill('');
    return;
  }
  await page.waitForTimeout(100);
  if (n < 3 || (await page.evaluate(() => JSON.parse(document.getElementById('data').textContent).events.start.length)) > n) expect((await picture()) !== before, 'what was found looks as before');
  await input.focus();
  await page.keyboard.press('Enter');
  expect((await page.locator('#found').textContent()).startsWith('1 of '), 'Enter does not go to the first event found');
  await page.locator('#time button[aria-label="Next event found"]:not([disabled])').click();
  expect((await page.locator('#found').textContent()).startsWith(n > 1 ? '2 of ' : '1 of '), 'the button does not go to the next event found');
  await input.fill('');
  await page.locator('#time button[aria-label="Show all of it"]').click();
}

async function rows(page, expect) {
  for (const details of await page.locator('figure > details').all()) {
    await details.locator('summary').focus();
    await page.keyboard.press('Enter');
    await details.locator('tbody tr').first().waitFor({ timeout: 5000 });
    expect((await details.locator('tbody tr').count()) > 0, 'a plot has no rows');
  }
  expect(true);
}

async function tip(page, expect, faults) {
  const before = faults.length;
  for (const canvas of await page.locator('figure canvas').all()) {
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    for (const [x, y] of [[0.15, 0.2], [0.4, 0.5], [0.5, 0.3], [0.6, 0.15], [0.8, 0.6]]) await page.mouse.move(box.x + box.width * x, box.y + box.height * y);
  }
  expect(faults.length === before, 'pointing at plots goes wrong');
}

async function compare(page, expect) {
  const both = await page.evaluate(() => globalThis.luthier.figures.all.find((one) => one.plot.id === 'timeline').plot.runs.length);
  expect(both === 2, `the timeline shows ${both} runs`);
  expect((await page.locator('#compare table').count()) > 0, 'the comparison has no table');
}

async function copy(page, expect) {
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  const selected = () => page.evaluate(() => document.getSelection().toString());
  const blocks = page.locator('#repeat .after:has(button[aria-label^="Copy"])');
  for (const block of await blocks.all()) {
    const text = await block.locator('pre').textContent();
    const button = block.locator('button');
    await button.focus();
    await page.keyboard.press('Enter');
    await button.and(page.getByText('Copied')).waitFor();
    expect((await clipboard()) === text, 'the clipboard has not the text of the block');
  }
  // Without a clipboard, as on pages that are not secure, the text is selected.
  await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true }));
  const last = blocks.last();
  await last.locator('button').click();
  await last.locator('button').and(page.getByText('Selected')).waitFor();
  expect((await selected()).trim() === (await last.locator('pre').textContent()).trim(), 'without a clipboard the text is not selected');
  await page.evaluate(() => {
    delete navigator.clipboard;
    document.getSelection().removeAllRanges();
  });
}

async function theme(page, expect) {
  const colour = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await colour();
  await page.locator('#theme').focus();
  await page.keyboard.press('Enter');
  expect((await colour()) !== before, 'the button does not change the colours');
  await page.locator('#theme').click();
  expect((await colour()) === before, 'the button does not change the colours back');
}
