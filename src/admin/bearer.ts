// Asks for the admin token as a bearer token (RFC 6750 section 2.1).

import { createHash, timingSafeEqual } from 'node:crypto'
import type { RequestHandler } from 'express'
import { sendError } from './errors.js'

/** Lets a request pass if it carries the token of this moment, or if there is none, and answers 401 otherwise. */
export function requireBearer(token: () => string | undefined): RequestHandler {
  return (request, response, next) => {
    const expected = token()
    if (expected === undefined) return next()
    const given = bearerOf(request.headers.authorization)
    if (isToken(given, expected)) return next()
    // RFC 6750 section 3.1: no error code for a request without credentials.
    const challenge = given === undefined ? '' : ', error="invalid_token"'
    response.set('WWW-Authenticate', `Bearer realm="echobahn"${challenge}`)
    sendError(response, 401, 'send the admin token as Authorization: Bearer')
  }
}

/** Compares in a time that says nothing of the expected token. */
export function isToken(given: string | undefined, expected: string): boolean {
  return given !== undefined && timingSafeEqual(digest(given), digest(expected))
}

/** The scheme's name is case-insensitive (RFC 9110 section 11.1). */
function bearerOf(authorization: string | undefined): string | undefined {
  return authorization?.match(/^Bearer +(.+)$/i)?.[1]
}

/** Digests are of one length, as `timingSafeEqual` needs, so not even the token's length shows in the time taken. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
