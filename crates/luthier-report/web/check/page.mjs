// A report in a headless browser, watched: what it says on the console and what it asks for.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const places = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export async function launch() {
  const executablePath = places.find((place) => place && existsSync(place));
  if (!executablePath) throw new Error('no Chromium: install it (apt-get install chromium) or name it in CHROMIUM');
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
}

/** Opens a file and waits until it is drawn. `faults` collects whatever should not be. */
export async function open(browser, file, { width = 1280, height = 900, scheme = 'light', allowsBlob = true } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(8000);
  const faults = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(`console: ${message.text().slice(0, 300)}`);
  });
  page.on('pageerror', (error) => faults.push(`exception: ${String(error.stack).slice(0, 400)}`));
  page.on('request', (request) => {
    const url = request.url();
    const isOwn = url.startsWith(`file://${file}`) || url.startsWith('data:') || (allowsBlob && url.startsWith('blob:'));
    if (!isOwn) faults.push(`request: ${url.slice(0, 200)}`);
  });
  await page.goto(`file://${file}`);
  await page.waitForFunction(() => document.documentElement.dataset.drawn, null, { timeout: 30000 });
  return { page, faults, context };
}

/** The plots whose drawing has fewer than `least` different colours, or none at all: `[id, colours]`. */
export function blankPlots(page, least = 3) {
  return page.evaluate((least) => [...document.querySelectorAll('figure')].map((figure) => {
    const canvas = figure.querySelector('canvas');
    if (!canvas || !canvas.width) return [figure.id, 0];
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let at = 0; at < data.length; at += 4) seen.add((data[at] << 24) | (data[at + 1] << 16) | (data[at + 2] << 8) | data[at + 3]);
    return [figure.id, seen.size];
  }).filter(([, colours]) => colours < least), least);
}
