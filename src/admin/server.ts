// The admin server's routes: metrics, probes, configuration, workers, connections, reload.

import express, { type Express, type RequestHandler } from 'express'
import helmet from 'helmet'
import { formatCursor } from '../report/order.js'
import { kebabCase, maskedSettings, type Settings } from '../settings.js'
import { requireBearer } from './bearer.js'
import { FILTERS, readFilter } from './connection-query.js'
import { addConsole, CONSOLE_SOURCES } from './console-routes.js'
import { addControls } from './control-routes.js'
import { errorHandler, methodNotAllowed, notFound, sendError } from './errors.js'
import type { Feed } from './feed.js'
import { isLoopback, refuseChanges, refuseForeign, refuseForeignOrigin, requireKnownHost } from './hosts.js'
import { metricsHandler } from './metrics-route.js'
import { ROUTES } from './routes.js'
import { SharedAnswers } from './shared-answers.js'
import { workersDoNotAnswer } from './unanswered.js'
import { feedHandler } from './upgrades.js'
import type { AdminView, ConnectionList, Exposition } from './view.js'

const NO_SUCH_CONNECTION = 'no such connection, or its report is no longer kept'

/**
 * The admin server as an express app, listening nowhere yet. All but the probes ask for the token, if there is one, and
 * answer only to hosts that are meant.
 * Everything is answered as JSON, but for the metrics and to browsers; errors are `{ error: { status, message } }`.
 */
export function createAdmin(view: AdminView, feed: Feed): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use(securityHeaders(), noStore)
  addProbes(app, view)
  const { adminHost, adminAllowedHost } = view.settings
  app.use(requireKnownHost([adminHost, ...adminAllowedHost]), refuseForeignOrigin)
  // The feed asks for the token itself, and the console is the same for everybody.
  app.route('/live').get(refuseForeign, feedHandler(feed)).all(methodNotAllowed('GET'))
  addConsole(app)
  app.use(requireBearer(() => view.adminToken()))
  if (view.adminToken() === undefined && !isLoopback(adminHost)) app.use(refuseChanges)
  addReports(app, view)
  // Before /connections/:id, which would take /connections/close for a connection.
  addControls(app, view)
  addConnections(app, view)
  addReload(app, view)
  app.use(notFound)
  app.use(errorHandler(error => view.onError(error)))
  return app
}

/** RFC 6797 section 7.2 forbids HSTS over plain HTTP. */
function securityHeaders(): RequestHandler {
  const directives = { ...CONSOLE_SOURCES, frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] }
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
    response.json(ROUTES)
  })
  const scrapes = new SharedAnswers<Exposition>()
  get(app, '/metrics', metricsHandler({ metrics: () => scrapes.ask('metrics', () => view.metrics()) }))
  get(app, '/config', (_request, response) => {
    response.json(configuration(view.settings))
  })
  get(app, '/workers', (_request, response) => {
    response.json(view.workers())
  })
}

function addConnections(app: Express, view: AdminView): void {
  const lists = new SharedAnswers<string>()
  get(app, '/connections', async (request, response) => {
    const filter = readFilter(request.query, Date.now())
    if (typeof filter === 'string') return sendError(response, 400, filter)
    const body = await lists.ask(JSON.stringify(filter), async () => listJson(await view.connections(filter)))
    response.type('json').send(body)
  })
  get(app, '/connections/filters', (_request, response) => {
    response.json(FILTERS)
  })
  get(app, '/connections/:id', async (request, response) => {
    const { id } = request.params
    if (!/^\d{1,15}$/.test(String(id))) return sendError(response, 404, NO_SUCH_CONNECTION)
    const { report, unasked } = await view.connection(Number(id))
    if (report === undefined && unasked.length > 0)
      return sendError(response, 503, `${workersDoNotAnswer(unasked)}, and may know this connection`)
    if (report === undefined) return sendError(response, 404, NO_SUCH_CONNECTION)
    response.json(report)
  })
}

function listJson({ end, ...list }: ConnectionList): string {
  return JSON.stringify({ ...list, cursor: end === undefined ? null : formatCursor(end) })
}

/** Keys as the flags spell them; what is not set is null. */
function configuration(settings: Settings): Record<string, unknown> {
  const entries = Object.entries(maskedSettings(settings))
  return Object.fromEntries(entries.map(([field, value]) => [kebabCase(field as keyof Settings), value ?? null]))
}

function addReload(app: Express, view: AdminView): void {
  const route = app.route('/reload')
  route.post(async (_request, response) => {
    const reason = await view.reload()
    if (reason !== undefined) return sendError(response, 409, `reload not begun: ${reason}`)
    response.status(202).json({ status: 'started' })
  })
  route.all(methodNotAllowed('POST'))
}

/** Express answers HEAD from the handler of GET. */
function get(app: Express, path: string | string[], handler: RequestHandler): void {
  app.route(path).get(handler).all(methodNotAllowed('GET, HEAD'))
}
