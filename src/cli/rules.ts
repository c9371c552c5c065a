// Rules between options: values that are allowed alone but contradict each other.

import { readControls } from '../controls/parse.js'
import { kebabCase, type Settings } from '../settings.js'
import { formatSize } from '../units.js'
import type { GivenOption, GivenOptions } from './given-options.js'

export interface Conflict {
  /** The option to name in the error: always one that the user gave. */
  readonly offender: GivenOption
  /** What is allowed instead. */
  readonly why: string
}

/** The first rule that is broken, if any. */
export function findConflict(settings: Settings, given: GivenOptions): Conflict | undefined {
  return (
    withoutPartner('tlsCert', 'tlsKey', given) ??
    withoutPartner('tlsKey', 'tlsCert', given) ??
    twoTokens(given) ??
    nobodyTrusted(settings, given) ??
    nothingToTrust(settings, given) ??
    crossedWaterMarks(settings, given) ??
    timeoutWithoutPing(settings, given) ??
    messageAboveBudget(settings, given) ??
    badDefaultControls(settings, given) ??
    defaultWithoutControls(settings, given)
  )
}

function withoutPartner(field: keyof Settings, partner: keyof Settings, given: GivenOptions): Conflict | undefined {
  const offender = given.get(field)
  if (offender === undefined || given.has(partner)) return undefined
  return { offender, why: `allowed only together with ${kebabCase(partner)}` }
}

function twoTokens(given: GivenOptions): Conflict | undefined {
  const offender = given.get('adminToken')
  if (offender === undefined || !given.has('adminTokenFile')) return undefined
  return { offender, why: 'allowed only without admin-token-file' }
}

/** Undefined too where the values are the defaults. */
function nobodyTrusted(settings: Settings, given: GivenOptions): Conflict | undefined {
  const { trustedProxies, proxyProtocol, forwardedHeader } = settings
  if (trustedProxies.length > 0) return undefined
  const offender =
    (proxyProtocol === 'required' && given.get('proxyProtocol')) ||
    (forwardedHeader !== 'none' && given.get('forwardedHeader'))
  return offender ? { offender, why: 'allowed only together with trusted-proxies' } : undefined
}

/** Whoever lists proxies expects true addresses. */
function nothingToTrust({ proxyProtocol, forwardedHeader }: Settings, given: GivenOptions): Conflict | undefined {
  const offender = given.get('trustedProxies')
  if (offender === undefined || proxyProtocol === 'required' || forwardedHeader !== 'none') return undefined
  return { offender, why: 'allowed only together with proxy-protocol=required, or with forwarded-header' }
}

function crossedWaterMarks({ lowWaterMark, highWaterMark }: Settings, given: GivenOptions): Conflict | undefined {
  if (lowWaterMark <= highWaterMark) return undefined
  const low = given.get('lowWaterMark')
  if (low !== undefined) {
    return { offender: low, why: `allowed are sizes up to high-water-mark, ${formatSize(highWaterMark)}` }
  }
  const high = given.get('highWaterMark')
  return high && { offender: high, why: `allowed are sizes from low-water-mark, ${formatSize(lowWaterMark)}` }
}

/** Only a timeout that was asked for: the default gives way by itself. */
function timeoutWithoutPing({ pingInterval, pingTimeout }: Settings, given: GivenOptions): Conflict | undefined {
  const offender = given.get('pingTimeout')
  if (offender === undefined || pingInterval !== 0 || pingTimeout === 0) return undefined
  return { offender, why: 'allowed is 0 while ping-interval is 0' }
}

/** A worker must be able to hold the largest message, and leave room for others. */
function messageAboveBudget(settings: Settings, given: GivenOptions): Conflict | undefined {
  const { maxMessage, memoryBudget, workers } = settings
  const most = Math.floor(memoryBudget / workers / 2)
  if (maxMessage <= most) return undefined
  const message = given.get('maxMessage')
  if (message !== undefined) {
    const why = `allowed are sizes up to half of a worker's share of memory-budget, ${Math.floor(most / 2 ** 20)}MiB`
    return { offender: message, why }
  }
  const least = formatSize(2 * maxMessage * workers)
  const offender = given.get('memoryBudget') ?? given.get('workers')
  return (
    offender && { offender, why: `allowed is what leaves each worker twice max-message: a memory-budget of ${least}` }
  )
}

/** The controls' own rules, whose sentences tell more than a list of what is allowed. */
function badDefaultControls({ defaultControls = '', maxMessage }: Settings, given: GivenOptions): Conflict | undefined {
  const offender = given.get('defaultControls')
  if (offender === undefined) return undefined
  const read = readControls(defaultControls, { prefix: '', restricted: true, maxMessage })
  const why = read.problem ?? (read.controls === undefined ? 'There is no control in it.' : undefined)
  return why === undefined ? undefined : { offender, why }
}

function defaultWithoutControls({ controls }: Settings, given: GivenOptions): Conflict | undefined {
  const offender = given.get('defaultControls')
  return offender && controls === 'off' ? { offender, why: 'allowed only while controls is on or all' } : undefined
}
