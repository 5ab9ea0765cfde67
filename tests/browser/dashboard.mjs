// Looks at the dashboard in a real browser. Run by BrowserTests:
//   node dashboard.mjs CHROMIUM ADMIN_URL PROXY_URL TOKEN FOLDER
// Prints one line a finding; the exit code is 0 when everything was as it should be. The proxy must have a route /bad whose upstream answers 503
// and opens the circuit breaker bad/a, a route /good, and the token. It is drained at the end.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const [, , executablePath, admin, proxy, token, folder] = process.argv;
const browser = await chromium.launch({
  executablePath,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

const complaints = [];
const hosts = new Set();
const open = async options => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on('request', request => { if (!request.url().startsWith('data:')) hosts.add(new URL(request.url()).host); });
  page.on('pageerror', error => complaints.push(error.message));
  page.on('console', message => { if (message.type() === 'error' && !expected(message)) complaints.push(message.text()); });
  await page.goto(admin);
  await page.locator('#connection-text', { hasText: 'live' }).waitFor();
  return page;
};

// A browser logs refused requests and cut streams by itself: the 401 that makes the page ask for the token, and the end after the drain.
let ending = false;
const expected = message => message.location().url.includes('/circuits/') && message.text().includes('401') || ending && message.text().includes('Failed to load resource');

try {
  const page = await open({ colorScheme: 'dark', viewport: { width: 1360, height: 1000 } });
  const row = page.locator('#destinations tr', { has: page.getByRole('button', { name: 'Isolate bad/a' }) });
  assert.equal(await page.title(), 'ResilientProxy');
  await row.getByText('closed').waitFor();
  console.log('closed is seen');

  // The breaker opens at some request; from the first refusal on, two seconds.
  for (let i = 0; ; i++) {
    assert.ok(i < 200, 'the breaker never opened');
    const answer = await fetch(`${proxy}/bad`);
    const problem = await answer.text();
    if (problem.includes('destination_unavailable') || problem.includes('circuit')) break;
  }
  const opened = performance.now();
  await row.getByText('✕ open').waitFor({ timeout: 2000 });
  console.log(`open is seen ${Math.round(performance.now() - opened)} ms after it opened`);
  await row.getByText(/next probe in \d/).waitFor();
  const before = await row.getByText(/next probe in/).textContent();
  await page.waitForFunction(([text]) => !document.body.textContent.includes(text), [before]);
  console.log('the countdown runs');
  await page.locator('#verdict-text', { hasText: 'bad/a' }).waitFor();
  await page.locator('#failure-rows tr').first().getByText('a: 503').first().waitFor();
  await page.locator('#announcer', { hasText: 'bad/a: circuit breaker open' }).waitFor({ state: 'attached' });
  console.log('the sentence, the failure with its attempts and the announcement are there');

  // Markup from a client stays text.
  await fetch(`${proxy}/bad/<img src=x onerror=alert(1)>`);
  await page.getByText('<img src=x').first().waitFor();
  assert.equal(await page.locator('#failures img').count(), 0);
  console.log('a path with markup is text');

  // By keyboard alone: isolate good/a; the token is asked for, a wrong one again, then it is done and remembered.
  const isolate = page.getByRole('button', { name: 'Isolate good/a' });
  await isolate.focus();
  await page.keyboard.press('Enter');
  await page.locator('#confirm[open]').waitFor();
  await page.locator('#confirm-yes').focus();
  await page.keyboard.press('Enter');
  for (const attempt of ['wrong', token]) {
    await page.locator('#token[open]').waitFor();
    await page.locator('#token-value').fill(attempt);
    await page.getByRole('button', { name: 'Go on' }).click();
    if (attempt !== token) await page.waitForFunction(() => document.querySelector('#token-value').value === '' && document.querySelector('#token').open);
  }
  const good = page.locator('#destinations tr', { has: isolate });
  await good.getByText('isolated').waitFor();
  console.log('isolated after the token was asked for');
  await page.getByRole('button', { name: 'Close good/a' }).click();
  await page.locator('#confirm-yes').click();
  await good.getByText('✓ closed').waitFor();
  console.log('closed again with the token of before');

  await page.screenshot({ path: `${folder}/dark.png` });
  for (const [name, options] of Object.entries({
    light: { colorScheme: 'light', viewport: { width: 1360, height: 1000 } },
    phone: { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
  })) {
    const other = await open(options);
    await other.locator('#destinations').getByText('✕ open').first().waitFor();
    await other.screenshot({ path: `${folder}/${name}.png`, fullPage: name === 'phone' });
    const overflow = await other.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(overflow <= 0, `the page is ${overflow} pixels wider than the ${name} window`);
    await other.context().close();
  }
  console.log('light and phone fit');

  ending = true;
  await page.getByRole('button', { name: 'Drain' }).first().click();
  await page.locator('#confirm-yes').click();
  await page.locator('#lost', { hasText: 'has drained and ended' }).waitFor({ timeout: 15000 });
  console.log('the drain and the end are seen');

  assert.deepEqual(complaints, []);
  assert.deepEqual([...hosts], [new URL(admin).host]);
  console.log('no complaint in the console, no request to another host');
} finally {
  await browser.close();
}
