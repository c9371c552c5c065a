// Test controls for an admin: what controls there are, the default of connections that ask for none, and what can be done
// to open connections.

import express, { type Express, type RequestHandler, type Response } from 'express'
import { z } from 'zod'
import { catalogue } from '../controls/catalogue.js'
import { closeCode, percent } from '../controls/kinds.js'
import { readControls } from '../controls/parse.js'
import type { ActionTarget, ConnectionAction } from '../messages.js'
import { readFilter } from './connection-query.js'
import { methodNotAllowed, sendError } from './errors.js'
import { workersDoNotAnswer } from './unanswered.js'
import type { AdminView, PutControls } from './view.js'

const JSON_LIMIT = '2mb'
const MOST_MESSAGE = 2 ** 20
const MOST_REASON = 123

const putSchema = z.strictObject({
  controls: z.string('a text such as "delay=50ms&close=1001&after=100"'),
  count: z.int('a whole number from 1').min(1, 'a whole number from 1').optional(),
  share: z
    .string(percent.allowed)
    .transform((text, context) => {
      const share = percent.read(text)
      if (share === undefined) context.addIssue({ code: 'custom', message: percent.allowed })
      return share
    })
    .optional(),
  seed: z
    .int('a whole number from 0')
    .min(0, 'a whole number from 0')
    .max(2 ** 32 - 1, 'less than 2^32')
    .optional(),
})

const closeSchema = z.strictObject({
  code: z
    .int(closeCode.allowed)
    .refine(code => closeCode.read(String(code)) !== undefined, closeCode.allowed)
    .default(1000),
  reason: z
    .string('a text')
    .refine(text => Buffer.byteLength(text) <= MOST_REASON, `a text of up to ${MOST_REASON} octets`)
    .default(''),
})

const sendSchema = z
  .strictObject({
    text: z.string('a text').optional(),
    base64: z.base64('base64').optional(),
  })
  .refine(({ text, base64 }) => (text === undefined) !== (base64 === undefined), 'either text or base64')

const noBody = z.strictObject({})

/** Opcodes of RFC 6455 section 5.2. */
const TEXT = 1
const BINARY = 2

/** What each action needs to be told, and what it is then. */
const ACTIONS: Readonly<Record<string, (body: unknown) => ConnectionAction | string>> = {
  close: body => read(closeSchema, body, ({ code, reason }) => ({ act: 'close', code, reason })),
  abort: body => read(noBody, body, () => ({ act: 'abort' })),
  ping: body => read(noBody, body, () => ({ act: 'ping' })),
  send: body =>
    read(sendSchema, body, ({ text, base64 = '' }) => {
      const payload = text === undefined ? Buffer.from(base64, 'base64') : Buffer.from(text)
      if (payload.length > MOST_MESSAGE) return 'a message may have up to 1 MiB here'
      return { act: 'send', opcode: text === undefined ? BINARY : TEXT, payload: payload.toString('base64') }
    }),
}

export function addControls(app: Express, view: AdminView): void {
  const json = express.json({ limit: JSON_LIMIT, type: () => true })
  app
    .route('/controls/catalogue')
    .get((_request, response) => void response.json(catalogue(view.settings.controlsPrefix)))
    .all(methodNotAllowed('GET, HEAD'))
  app
    .route('/controls')
    .get((_request, response) => void response.json(view.controls.inForce))
    .put(fromHere, json, async (request, response) => {
      if (view.settings.controls === 'off') return sendError(response, 409, 'controls is off')
      const put = readPut(request.body, view)
      if (typeof put === 'string') return sendError(response, 400, put)
      response.json(await view.controls.put(put))
    })
    .delete(fromHere, async (_request, response) => void response.json(await view.controls.clear()))
    .all(methodNotAllowed('GET, HEAD, PUT, DELETE'))
  for (const [name, readAction] of Object.entries(ACTIONS)) addAction(app, view, name, readAction, json)
}

function addAction(
  app: Express,
  view: AdminView,
  name: string,
  readAction: (body: unknown) => ConnectionAction | string,
  json: RequestHandler,
): void {
  const route = (path: string, targetOf: (params: unknown, query: unknown) => ActionTarget | string): void => {
    app
      .route(path)
      .post(fromHere, json, async (request, response) => {
        const target = targetOf(request.params, request.query)
        if (typeof target === 'string') return sendError(response, 400, target)
        const action = readAction(request.body ?? {})
        if (typeof action === 'string') return sendError(response, 400, action)
        await act(response, view, target, action)
      })
      .all(methodNotAllowed('POST'))
  }
  route(`/connections/${name}`, (_params, query) => {
    const filter = readFilter(query, Date.now())
    if (typeof filter === 'string') return filter
    if (view.settings.reports === 0) return 'without reports (--reports 0) connections can only be named by their id'
    return { filter: { ...filter, state: 'open', limit: Number.MAX_SAFE_INTEGER } }
  })
  route(`/connections/:id/${name}`, params => {
    const { id } = params as { id: string }
    return /^\d{1,15}$/.test(id) ? { id: Number(id) } : 'the id of a connection is a whole number'
  })
}

async function act(response: Response, view: AdminView, target: ActionTarget, action: ConnectionAction): Promise<void> {
  const result = await view.controls.act(target, action)
  if ('filter' in target) return void response.json(result)
  const { done, busy, unasked } = result
  if (done.length > 0) return void response.json(result)
  if (busy.length > 0)
    return sendError(response, 409, 'the connection is closing, or in the middle of a message; try again')
  if (unasked.length > 0)
    return sendError(response, 503, `${workersDoNotAnswer(unasked)}, and may have this connection`)
  sendError(response, 404, 'no such connection is open')
}

/** Any page that a browser shows can send requests to a port of its own machine. */
const fromHere: RequestHandler = (request, response, next) => {
  if (request.get('sec-fetch-site') === 'cross-site') return sendError(response, 403, 'not from another site')
  next()
}

function readPut(body: unknown, { settings }: AdminView): PutControls | string {
  return read(putSchema, body ?? {}, ({ controls, count, share, seed }) => {
    const asked = readControls(controls, { prefix: '', restricted: true, maxMessage: settings.maxMessage })
    if (asked.problem !== undefined) return asked.problem
    if (asked.controls === undefined) return 'controls: there is none in it; DELETE /controls takes them back'
    return { controls, count, share, seed }
  })
}

/** What the body says, or a sentence that says which part of it is wrong and what is allowed. */
function read<T, Result>(schema: z.ZodType<T>, body: unknown, make: (value: T) => Result | string): Result | string {
  const { success, data, error } = schema.safeParse(body)
  if (success) return make(data)
  const [issue] = error.issues
  if (issue.code === 'unrecognized_keys') return `${issue.keys[0]}: no such field`
  const where = issue.path.join('.')
  return `${where === '' ? 'the body' : where}: allowed is ${issue.message}`
}
