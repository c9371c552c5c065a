// How the admin server says no: `{ "error": { "status", "message" } }`, or the same as a page for browsers; never a stack.

import { STATUS_CODES } from 'node:http'
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import { html } from './html.js'

/** @param message one sentence, for whoever made the request. */
export function sendError(response: Response, status: number, message: string): void {
  response.status(status)
  if (wantsPage(response.req)) response.type('html').send(errorPage(response.req, status, message))
  else response.json({ error: { status, message } })
}

/** Browsers name HTML; everybody else gets JSON. */
export function wantsPage(request: Request): boolean {
  return request.accepts(['json', 'html']) === 'html'
}

/** Relative, so that it holds below whatever path a proxy has put the server. */
export function pathToRoot(request: Request): string {
  const [path] = request.originalUrl.split('?')
  return '../'.repeat(path.split('/').length - 2) || './'
}

function errorPage(request: Request, status: number, message: string): string {
  const root = pathToRoot(request)
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${status} · echobahn</title>
<link rel="icon" href="${root}console/icon.svg">
<link rel="stylesheet" href="${root}console/console.css">
</head>
<body>
<main class="alone">
<h1>${status} ${STATUS_CODES[status] ?? ''}</h1>
<p>${message}</p>
<p><a href="${root}">The console</a> shows the service live.</p>
</main>
</body>
</html>
`.text
}

export const notFound: RequestHandler = (_request, response) => {
  sendError(response, 404, 'there is nothing here; GET / lists what there is')
}

/** Answers 405 with the methods that the path has (RFC 9110 section 15.5.6). */
export function methodNotAllowed(allow: string): RequestHandler {
  return (_request, response) => {
    response.set('Allow', allow)
    sendError(response, 405, `allowed here: ${allow}`)
  }
}

/**
 * Last handler of the app. Errors with a client status of their own (express and its parts set `status`) keep it;
 * any other is 500, whose cause goes to `report` and not to the client.
 */
export function errorHandler(report: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error)
    const status = clientStatusOf(error) ?? 500
    if (status === 500) report(error)
    sendError(response, status, STATUS_CODES[status] ?? 'error')
  }
}

function clientStatusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined
  return error.status >= 400 && error.status < 500 ? error.status : undefined
}
