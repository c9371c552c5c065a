// The console in a real Firefox: what it needs of a browser is there, and it complains of nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findFirefox, launchFirefox, watch } from '../support/chromium.js'
import { startService } from '../support/service.js'

const FIREFOX = findFirefox()
/** Milliseconds that the page gets for what is waited for: longer than any machine stands still. */
const PATIENCE = 120_000

test('the console in Firefox: live, an echo of text and of octets, the report, and no complaint', {
  skip: FIREFOX === undefined && 'there is no Firefox: apt-get install firefox-esr',
}, async t => {
  const service = await startService(t, '--workers', '1')
  const browser = await launchFirefox(FIREFOX as string)
  t.after(() => browser.close())
  const page = await browser.newPage()
  page.setDefaultTimeout(PATIENCE)
  const { complaints } = watch(page)
  const shows = (selector: string, text: string) =>
    page.waitForFunction(
      (where, wanted) => document.querySelector(where)?.textContent?.includes(wanted),
      {},
      selector,
      text,
    )
  await page.goto(`${service.adminUrl}/`)
  await shows('#link', 'Live')
  await page.waitForSelector('.chart canvas')
  await page.goto(`${service.adminUrl}/#/playground`)
  await page.waitForFunction(() => document.querySelector<HTMLInputElement>('input[name="url"]')?.value)
  await page.locator('#connect').click()
  await shows('#state', 'permessage-deflate')
  await page.locator('#kind-generated').click()
  for (const [type, sent] of [
    ['text', 1],
    ['binary', 2],
  ] as const) {
    await page.select('#type', type)
    await page.locator('#send').click()
    await shows('#sums', `${sent} sent, ${sent} came back the same`)
  }
  await page.locator('#report').click()
  await shows('h1', 'open')
  await page.goto(`${service.adminUrl}/#/connections`)
  await page.waitForSelector('.list tbody a')
  assert.deepEqual(complaints, [])
})
