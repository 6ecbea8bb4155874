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
export async function open(browser, file, { width = 1280, height = 900, scheme = 'light', forcedColors = 'none', allowsBlob = true } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, forcedColors, acceptDownloads: true, permissions: ['clipboard-read', 'clipboard-write'] });
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

/**
 * The plots without data in their drawing: `[id, coloured pixels]`. Axes and labels are shades of grey, data are not, and so a
 * pixel counts whose channels are far apart.
 */
export function blankPlots(page, least = 12) {
  return page.evaluate((least) => [...document.querySelectorAll('figure')].map((figure) => {
    let coloured = 0;
    for (const canvas of figure.querySelectorAll('canvas')) {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] > 100 && Math.max(data[at], data[at + 1], data[at + 2]) - Math.min(data[at], data[at + 1], data[at + 2]) > 60) coloured += 1;
      }
    }
    return [figure.id, coloured];
  }).filter(([, coloured]) => coloured < least), least);
}
