// How the admin server says no: `{ "error": { "status", "message" } }`, never a stack.

import { STATUS_CODES } from 'node:http'
import type { ErrorRequestHandler, RequestHandler, Response } from 'express'

/** @param message one sentence, for whoever made the request. */
export function sendError(response: Response, status: number, message: string): void {
  response.status(status).json({ error: { status, message } })
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
