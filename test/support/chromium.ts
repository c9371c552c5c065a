// A real Chromium, for tests and pictures of the console; and a real Firefox.

import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import puppeteer, { type Browser, type LaunchOptions, type Page } from 'puppeteer-core'
import { endWithUs } from './watchdog.js'

/** Milliseconds that a browser gets for its start. */
const PATIENCE = 120_000

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The program; undefined where there is none. */
export function findChromium(): string | undefined {
  return [process.env.CHROMIUM, ...PLACES].find(path => path !== undefined && existsSync(path))
}

/** @param executablePath as `findChromium` has it */
export function launchChromium(executablePath: string): Promise<Browser> {
  return launch({
    executablePath,
    // A sandbox of its own is nothing that root, or a container, can give it.
    args: ['--no-sandbox', '--disable-gpu', '--force-color-profile=srgb'],
  })
}

/** The program; undefined where there is none. */
export function findFirefox(): string | undefined {
  return [process.env.FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox'].find(
    path => path !== undefined && existsSync(path),
  )
}

/** @param executablePath as `findFirefox` has it */
export function launchFirefox(executablePath: string): Promise<Browser> {
  return launch({ browser: 'firefox', executablePath })
}

/** Signals end this process as if there were no browser, and the browser with it. */
async function launch(options: LaunchOptions): Promise<Browser> {
  const deaf = { handleSIGHUP: false, handleSIGINT: false, handleSIGTERM: false }
  const browser = await puppeteer.launch({ ...options, ...deaf, timeout: PATIENCE })
  endWithUs(browser.process() as ChildProcess)
  return browser
}

/** Collects what a page complains of, and every address that it asks for. */
export function watch(page: Page): { readonly complaints: string[]; readonly asked: URL[] } {
  const complaints: string[] = []
  const asked: URL[] = []
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warn') complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('request', request => asked.push(new URL(request.url())))
  return { complaints, asked }
}
