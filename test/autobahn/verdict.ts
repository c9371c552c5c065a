// Whether the suite is content with a case.

import type { CaseReport } from './case-report.js'

/** Cases that the suite itself only observes: what they provoke is left open by RFC 6455. */
const OBSERVED: ReadonlySet<string> = new Set(['7.1.6', '7.13.1', '7.13.2'])

export type Verdict = 'ok' | 'informational' | 'failed'

export function verdictOf({ id, behavior, behaviorClose }: CaseReport): Verdict {
  const verdicts = [behavior, behaviorClose]
  if (verdicts.every(verdict => verdict === 'OK')) return 'ok'
  const allowed = OBSERVED.has(id) ? ['OK', 'INFORMATIONAL'] : ['OK']
  return verdicts.every(verdict => allowed.includes(verdict)) ? 'informational' : 'failed'
}

/** In one line, what the suite was not content with. */
export function reasonOf({ behavior, behaviorClose, result, resultClose, wasNotCleanReason }: CaseReport): string {
  const reasons: string[] = []
  if (behavior !== 'OK') reasons.push(`${behavior}: ${result}`)
  if (behaviorClose !== 'OK') reasons.push(`close ${behaviorClose}: ${resultClose}`)
  if (wasNotCleanReason !== null) reasons.push(wasNotCleanReason)
  return reasons.join('; ')
}
