// The answer to an opening handshake over HTTP/2 as controls want it, and which controls there are none of there.

import { connected, type Fields, isConnectionField, type Response } from '../protocol/connect-response.js'
import type { AgreedTerms } from '../protocol/handshake-response.js'
import { CONTROL_ENTRIES, type Controls } from './schema.js'

export interface StreamAnswer {
  readonly response: Response
  readonly behind: 'upgraded' | 'fin'
}

/** @param text the controls as the answer names them */
export function streamAnswerOf(controls: Controls, text: string, agreed: AgreedTerms): StreamAnswer {
  const fields = fieldsOf(controls, text)
  if (controls.status !== undefined) return { response: refusal(controls.status, controls, fields), behind: 'fin' }
  const response = connected(agreed)
  return { response: { ...response, fields: [...response.fields, ...fields] }, behind: 'upgraded' }
}

function fieldsOf({ cookie, header = [] }: Controls, text: string): Fields {
  const fields: [string, string][] = [['echobahn-controls', text]]
  for (const [name, value] of header) fields.push([name.toLowerCase(), value])
  if (cookie !== undefined) fields.push(['set-cookie', cookie])
  return fields
}

function refusal(status: number, { location, 'retry-after': retryAfter }: Controls, fields: Fields): Response {
  // 304 has no body (RFC 9110 section 15.4.5).
  const body = status === 304 ? '' : `The control status asked for ${status}.\n`
  const own: [string, string][] = []
  if (location !== undefined) own.push(['location', location])
  if (retryAfter !== undefined) own.push(['retry-after', String(Math.ceil(retryAfter / 1000))])
  if (body !== '') own.push(['content-type', 'text/plain; charset=utf-8'], ['content-length', String(body.length)])
  return { status, fields: [...fields, ...own], body }
}

/** Why these controls cannot be had over HTTP/2, in one sentence; undefined where they can. */
export function http2Problem(controls: Controls): string | undefined {
  for (const [name, { http1Only }] of CONTROL_ENTRIES)
    if (http1Only && name in controls)
      return `The control ${name} is about the octets of HTTP/1.1 and TCP, and is not to be had over HTTP/2.`
  const field = controls.header?.find(([name]) => isConnectionField(name))
  return field && `The control header=${field[0]} names a field that HTTP/2 does not have (RFC 9113 section 8.2.2).`
}
