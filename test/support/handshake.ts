// Opening handshakes on the wire: requests with the upgrade headers or others, and what their responses must have.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { RawClient, UPGRADE_HEADERS } from './raw-client.js'
import type { Service } from './service.js'

export const [HOST, UPGRADE, CONNECTION, KEY, VERSION] = UPGRADE_HEADERS
/** The answer to the key of RFC 6455 section 1.3, which the upgrade headers have. */
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

export interface HttpResponse {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Parses a whole response; its headers must come once each. */
export function parseResponse(text: string): HttpResponse {
  const [head, body] = text.split('\r\n\r\n', 2)
  const [line, ...fields] = head.split('\r\n')
  const headers = new Map<string, string>()
  for (const field of fields) {
    const [, name, value] = /^([^:]+): (.*)$/.exec(field) ?? assert.fail(`not a header: ${field}`)
    assert.ok(!headers.has(name.toLowerCase()), `repeated: ${field}`)
    headers.set(name.toLowerCase(), value)
  }
  const [, status] = /^HTTP\/1\.1 (\d{3}) [A-Z]/.exec(line) ?? assert.fail(`not a status line: ${line}`)
  return { status: Number(status), headers, body }
}

/** Connects for as long as the test lasts. */
export async function connect(t: TestContext, { port, secure }: Service): Promise<RawClient> {
  const client = await RawClient.connect(port, secure)
  t.after(() => client.destroy())
  return client
}

/** Sends `request` and reads until the server ends the connection by itself. */
export async function refusal(t: TestContext, service: Service, request: string | Buffer): Promise<HttpResponse> {
  const client = await connect(t, service)
  client.write(request)
  const response = parseResponse((await client.readToEnd()).toString('latin1'))
  client.destroy()
  return response
}

/** Has `request` accepted; checks what every 101 must have (RFC 6455 section 4.2.2). */
export async function upgrade(t: TestContext, service: Service, request: string): Promise<[HttpResponse, RawClient]> {
  const client = await connect(t, service)
  client.write(request)
  const response = parseResponse(`${await client.readHead()}\r\n\r\n`)
  assert.equal(response.status, 101)
  assert.equal(response.headers.get('upgrade'), 'websocket')
  assert.equal(response.headers.get('connection'), 'Upgrade')
  assert.equal(response.headers.get('sec-websocket-accept'), ACCEPT)
  return [response, client]
}

/** The connection works. */
export async function assertEchoes(client: RawClient): Promise<void> {
  client.send({ opcode: 1, payload: 'hello' })
  const { opcode, payload } = await client.readFrame()
  assert.deepEqual([opcode, payload.toString()], [1, 'hello'])
}

/** A refusal is plain text of one line, with its length, and ends the connection. */
export function assertRefused({ status, headers, body }: HttpResponse, expected: number, sentence: RegExp): void {
  assert.equal(status, expected, body)
  assert.match(body, sentence)
  assert.match(body, /^[^\n]+\.\n$/)
  assert.equal(headers.get('content-length'), String(body.length))
  assert.equal(headers.get('content-type'), 'text/plain; charset=utf-8')
  assert.match(headers.get('connection') ?? '', expected === 426 ? /^Upgrade, close$/ : /^close$/)
}

/** The upgrade headers with one left out, and others added. */
export function headers(without?: string, ...extra: string[]): string[] {
  return [...UPGRADE_HEADERS.filter(header => header !== without), ...extra]
}
