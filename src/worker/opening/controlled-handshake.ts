// What a handshake with controls agrees on, and how it is answered.

import type { ActiveControls } from '../../controls/active.js'
import { type Answer, answerOf, describedResponse } from '../../controls/answer.js'
import { type Described, describe } from '../../controls/description.js'
import type { Host } from '../../controls/host.js'
import { parseTarget } from '../../protocol/request-target.js'
import { judgeUpgrade, type Refusal, type UpgradeRequest, type UpgradeRules } from '../../protocol/upgrade-request.js'
import type { Transport } from '../../transport/transport.js'
import { type ConnectionTerms, connectionTerms } from '../connection-terms.js'
import { acceptKey } from './accept-key.js'
import { type Asked, missingDeflate, type OpeningControls, rulesWith } from './opening-controls.js'

export interface ControlledHandshake {
  readonly kind: 'controlled'
  readonly terms: ConnectionTerms
  readonly active: ActiveControls
  readonly answer: Answer
}

/** @param head the request as text */
export function controlledHandshake(
  id: number,
  transport: Transport,
  request: UpgradeRequest,
  head: string,
  asked: Asked,
  rules: UpgradeRules,
  controls: OpeningControls,
): ControlledHandshake | Refusal {
  const acceptance = judgeUpgrade(request, rulesWith(asked.controls, rules))
  if (acceptance.kind === 'refuse') return acceptance
  const missing = missingDeflate(asked.controls, acceptance.deflate !== undefined)
  if (missing !== undefined) return missing
  const active = controls.activate(asked)
  const accept = acceptKey(acceptance.key)
  const terms = connectionTerms(id, transport, request, head, acceptance, accept, active)
  const answer = answerOf(active.values, active.text, terms)
  active.response = answer.octets
  active.describe = () => describe(controls.host, describedOf(terms, transport, request, active.text))
  noteUses(active)
  return { kind: 'controlled', terms, active, answer }
}

/** Those that have had their effect once the handshake is answered. */
export function noteUses({ values, book }: ActiveControls): void {
  for (const name of ['status', 'handshake', 'subprotocol', 'cookie', 'compression'] as const) {
    const value = values[name]
    if (value !== undefined) book.did(name, String(value))
  }
  for (const [name] of values.header ?? []) book.did('header', name)
}

export function describedOf(
  { id, peer, path, query, extensions, subprotocol }: ConnectionTerms,
  transport: Transport,
  { method, httpVersion, rawHeaders }: UpgradeRequest,
  controls: string,
): Described {
  const carrier = { ...carrierOf(transport), peer }
  return { id, ...carrier, method, httpVersion, path, query, rawHeaders, extensions, subprotocol, controls }
}

/** The answer to a plain GET or HEAD; undefined for other requests. */
export function plainDescription(
  id: number,
  transport: Transport,
  request: UpgradeRequest,
  host: Host,
): string | undefined {
  const json = plainJson(id, transport, request, host)
  return json && describedResponse(json, request.method === 'GET')
}

/** What is told of a plain GET or HEAD; undefined for other requests. */
export function plainJson(
  id: number,
  transport: Transport,
  { method, httpVersion, target, rawHeaders }: UpgradeRequest,
  host: Host,
): string | undefined {
  const parsed = parseTarget(target)
  if (parsed === undefined || (method !== 'GET' && method !== 'HEAD')) return undefined
  const agreed = { extensions: null, subprotocol: null, controls: '' }
  const described = { id, ...carrierOf(transport), method, httpVersion, ...parsed, rawHeaders, ...agreed }
  return describe(host, described)
}

function carrierOf({ peer, proxied, tlsVersion }: Transport) {
  return {
    peer,
    addressSource: proxied?.source ?? 'socket',
    proxy: proxied?.proxy ?? null,
    tlsVersion: tlsVersion ?? null,
  } as const
}
