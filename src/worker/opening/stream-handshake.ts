// What a handshake over HTTP/2 agrees on, with its controls if it has any, and how it is answered.

import type { ActiveControls } from '../../controls/active.js'
import { describe } from '../../controls/description.js'
import { http2Problem, type StreamAnswer, streamAnswerOf } from '../../controls/http2-answer.js'
import { type ConnectAcceptance, headText, judgeConnect } from '../../protocol/connect-request.js'
import { responseText } from '../../protocol/connect-response.js'
import type { Refusal, UpgradeRequest, UpgradeRules } from '../../protocol/upgrade-request.js'
import type { Transport } from '../../transport/transport.js'
import { type ConnectionTerms, connectionTerms } from '../connection-terms.js'
import { acceptKey } from './accept-key.js'
import { describedOf, noteUses } from './controlled-handshake.js'
import { type Asked, badControl, missingDeflate, type OpeningControls, rulesWith } from './opening-controls.js'

export function streamTerms(
  id: number,
  transport: Transport,
  request: UpgradeRequest,
  acceptance: ConnectAcceptance,
  controls?: ActiveControls,
): ConnectionTerms {
  const accept = acceptance.key === undefined ? null : acceptKey(acceptance.key)
  return connectionTerms(id, transport, request, headText(request.rawHeaders), acceptance, accept, controls)
}

export interface ControlledStream {
  readonly kind: 'controlled'
  readonly terms: ConnectionTerms
  readonly active: ActiveControls
  readonly answer: StreamAnswer
}

export function controlledStream(
  id: number,
  transport: Transport,
  request: UpgradeRequest,
  asked: Asked,
  rules: UpgradeRules,
  controls: OpeningControls,
): ControlledStream | Refusal {
  const problem = http2Problem(asked.controls)
  if (problem !== undefined) return badControl(problem)
  const acceptance = judgeConnect(request, rulesWith(asked.controls, rules))
  if (acceptance.kind === 'refuse') return acceptance
  const missing = missingDeflate(asked.controls, acceptance.deflate !== undefined)
  if (missing !== undefined) return missing
  const active = controls.activate(asked)
  const terms = streamTerms(id, transport, request, acceptance, active)
  const answer = streamAnswerOf(active.values, active.text, terms)
  active.response = responseText(answer.response)
  active.describe = () => describe(controls.host, describedOf(terms, transport, request, active.text))
  noteUses(active)
  return { kind: 'controlled', terms, active, answer }
}
