// Every route of the admin server, with what it tells: the answer of `GET /`, and the table in docs/admin.md.

import { PARAMETERS } from './connection-query.js'

/** Routes as `METHOD path`, paths as express has them. */
export const ROUTES: Readonly<Record<string, string>> = {
  'GET /': 'this list, or the console for browsers',
  'GET /metrics': 'metrics, as Prometheus reads them',
  'GET /livez': '200 while the primary runs',
  'GET /readyz': '200 while connections are served; 503 while starting, draining, or with no ready worker',
  'GET /healthz': 'the same as /readyz',
  'GET /config': 'the configuration in force, secrets masked',
  'GET /workers': 'the processes of all workers: worker, pid, state, connections, ageSeconds',
  'GET /connections': `connections, page by page, with how many reports are kept and how many are gone, and the workers that do not answer; parameters: ${PARAMETERS.join(', ')}`,
  'GET /connections/filters': 'the parameters of /connections, each with what is allowed',
  'GET /connections/:id': 'the report of one connection; 503 when a worker that does not answer may know it',
  'GET /controls': 'the test controls of connections that ask for none',
  'PUT /controls': 'set them: {controls, count, share, seed}, all but controls optional',
  'DELETE /controls': 'go back to those of --default-controls',
  'GET /controls/catalogue': 'all test controls, and what is sent to test how clients fail',
  'POST /connections/:id/close': 'send a Close: {code, reason}',
  'POST /connections/:id/abort': 'reset TCP',
  'POST /connections/:id/ping': 'send a ping',
  'POST /connections/:id/send': 'send a message: {text} or {base64}',
  'POST /connections/close': 'the same on all open connections that the parameters of GET /connections match',
  'POST /connections/abort': 'the same on all open connections that match',
  'POST /connections/ping': 'the same on all open connections that match',
  'POST /connections/send': 'the same on all open connections that match',
  'GET /live': 'a WebSocket: the live feed of the console',
  'POST /reload': 'replace the workers one after another, as SIGHUP does',
}
