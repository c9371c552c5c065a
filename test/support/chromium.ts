// A real Chromium, for tests and pictures of the console; and a real Firefox.

import { existsSync } from 'node:fs'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'

/** Milliseconds that a browser gets for its start. */
const PATIENCE = 120_000

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The program; undefined where there is none. */
export function findChromium(): string | undefined {
  return [process.env.CHROMIUM, ...PLACES].find(path => path !== undefined && existsSync(path))
}

/** @param executablePath as `findChromium` has it */
export function launchChromium(executablePath: string): Promise<Browser> {
  // A sandbox of its own is nothing that root, or a container, can give it.
  return puppeteer.launch({
    ...{ executablePath, timeout: PATIENCE },
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
  return puppeteer.launch({ browser: 'firefox', executablePath, timeout: PATIENCE })
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
