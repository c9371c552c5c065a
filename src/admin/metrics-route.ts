// GET /metrics: the text format of Prometheus or, when asked for, OpenMetrics; compressed when that may be.

import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Request, RequestHandler } from 'express'
import { OPEN_METRICS, OPEN_METRICS_TYPE, toOpenMetrics } from '../metrics/open-metrics.js'
import type { AdminView } from './view.js'

const compress = promisify(gzip)

export function metricsHandler(view: Pick<AdminView, 'metrics'>): RequestHandler {
  return async (request, response) => {
    const { contentType, body } = await view.metrics()
    const open = wantsOpenMetrics(request)
    const text = open ? toOpenMetrics(body) : body
    response.set({ 'Content-Type': open ? OPEN_METRICS_TYPE : contentType, Vary: 'Accept, Accept-Encoding' })
    // Whoever names no encoding, such as curl, is to get text.
    if (request.acceptsEncodings('gzip', 'identity') !== 'gzip') response.send(text)
    else response.set('Content-Encoding', 'gzip').send(await compress(text))
  }
}

/**
 * Prometheus asks for versions and escapings by parameters, of which it takes whatever the answer names: they are no
 * reason to refuse, as they would be to `request.accepts`.
 */
function wantsOpenMetrics(request: Request): boolean {
  const accept = request.get('accept') ?? ''
  const weight = (type: string) =>
    Math.max(0, ...mediaRanges(accept).flatMap(([name, q]) => (name === type ? [q] : [])))
  return weight(OPEN_METRICS) > weight('text/plain')
}

/** Types with their weights (RFC 9110 section 12.5.1). */
function mediaRanges(accept: string): [string, number][] {
  return accept.split(',').map(range => {
    const [type, ...parameters] = range.split(';').map(part => part.trim().toLowerCase())
    const q = parameters.find(parameter => parameter.startsWith('q='))
    return [type, q === undefined ? 1 : Number(q.slice('q='.length)) || 0]
  })
}
