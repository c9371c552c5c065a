// The console: files that are the same for everybody, and the addresses at which browsers find it.

import { fileURLToPath } from 'node:url'
import express, { type Express, type RequestHandler } from 'express'
import { pathToRoot, wantsPage } from './errors.js'

/** Where the build puts it. */
const FOLDER = fileURLToPath(new URL('../console/', import.meta.url))

/**
 * Content-Security-Policy of all answers: what the console loads comes from here. Its playground connects to the service,
 * whose port is another one and whose address can be edited, also to one behind a proxy: no list of hosts that could be
 * made when the page is served has them all, so any WebSocket may be opened, and nothing but WebSockets elsewhere.
 */
export const CONSOLE_SOURCES = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'"],
  connectSrc: ["'self'", 'ws:', 'wss:'],
}

/** Browsers ask for them again each time, and get 304: files of two versions never meet. */
const REVALIDATED = { index: false, redirect: false, cacheControl: false } as const

export function addConsole(app: Express): void {
  const files = express.static(FOLDER, {
    ...REVALIDATED,
    setHeaders: response => void response.setHeader('Cache-Control', 'no-cache'),
  })
  app.use('/console', files)
  app.get(
    '/',
    forBrowsers((_request, response) => response.sendFile('index.html', { root: FOLDER, cacheControl: false })),
  )
  app.get(
    ['/connections', '/connections/:id'],
    forBrowsers((request, response) => response.redirect(303, `${pathToRoot(request)}#${request.url}`)),
  )
}

/** Everybody else goes on to what is there for programs. */
function forBrowsers(handler: RequestHandler): RequestHandler {
  return (request, response, next) => {
    response.vary('Accept')
    if (wantsPage(request)) handler(request, response, next)
    else next()
  }
}
