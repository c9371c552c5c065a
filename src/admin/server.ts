// The admin server's routes: metrics, probes, configuration, workers, reload.

import express, { type Express, type RequestHandler } from 'express'
import helmet from 'helmet'
import { kebabCase, maskedSettings, type Settings } from '../settings.js'
import { requireBearer } from './bearer.js'
import { errorHandler, methodNotAllowed, notFound, sendError } from './errors.js'
import type { AdminView } from './view.js'

/** Answers of `GET /`: what there is, with one line each. */
const INDEX = {
  'GET /metrics': 'metrics for Prometheus',
  'GET /livez': '200 while the process answers',
  'GET /readyz': '200 while connections are served, else 503',
  'GET /healthz': 'the same as /readyz',
  'GET /config': 'the configuration in force, secrets masked',
  'GET /workers': 'worker processes: id, pid, state, connections, ageSeconds',
  'POST /reload': 'replace the workers one after another, as SIGHUP does',
}

/**
 * The admin server as an express app, listening nowhere yet. With `adminToken` set, all but the probes ask for it.
 * Everything is answered as JSON, but for the metrics; errors are `{ error: { status, message } }`.
 */
export function createAdmin(view: AdminView): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use(securityHeaders(), noStore)
  addProbes(app, view)
  if (view.settings.adminToken !== undefined) app.use(requireBearer(view.settings.adminToken))
  addReports(app, view)
  addReload(app, view)
  app.use(notFound)
  app.use(errorHandler(error => view.onError(error)))
  return app
}

/** No page is served, so nothing may be loaded. RFC 6797 section 7.2 forbids HSTS over plain HTTP. */
function securityHeaders(): RequestHandler {
  const directives = { defaultSrc: ["'none'"], frameAncestors: ["'none'"] }
  return helmet({ contentSecurityPolicy: { useDefaults: false, directives }, strictTransportSecurity: false })
}

const noStore: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store')
  next()
}

function addProbes(app: Express, view: AdminView): void {
  get(app, '/livez', (_request, response) => {
    response.json({ status: 'live' })
  })
  get(app, ['/readyz', '/healthz'], (_request, response) => {
    const status = view.readiness()
    response.status(status === 'ready' ? 200 : 503).json({ status })
  })
}

function addReports(app: Express, view: AdminView): void {
  get(app, '/', (_request, response) => {
    response.json(INDEX)
  })
  get(app, '/metrics', async (_request, response) => {
    const { contentType, body } = await view.metrics()
    response.set('Content-Type', contentType).send(body)
  })
  get(app, '/config', (_request, response) => {
    response.json(configuration(view.settings))
  })
  get(app, '/workers', (_request, response) => {
    response.json(view.workers())
  })
}

/** Keys as the flags spell them; what is not set is null. */
function configuration(settings: Settings): Record<string, unknown> {
  const entries = Object.entries(maskedSettings(settings))
  return Object.fromEntries(entries.map(([field, value]) => [kebabCase(field as keyof Settings), value ?? null]))
}

function addReload(app: Express, view: AdminView): void {
  const route = app.route('/reload')
  route.post(async (_request, response) => {
    const outcome = await view.reload()
    if (outcome === 'busy') return sendError(response, 409, 'a reload is under way')
    response.status(202).json({ status: outcome })
  })
  route.all(methodNotAllowed('POST'))
}

/** Express answers HEAD from the handler of GET. */
function get(app: Express, path: string | string[], handler: RequestHandler): void {
  app.route(path).get(handler).all(methodNotAllowed('GET, HEAD'))
}
