import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ConnectionReport } from '../../../src/report/report.js'
import type { CaseReport } from '../../autobahn/case-report.js'
import { reconcileCase } from '../../autobahn/reconcile.js'
import {
  logged,
  REQUEST_OCTETS,
  sampleCase,
  sampleConnection,
  sampleDirection,
} from '../../support/autobahn-samples.js'

/** Differences that name `what`, with everything else equal. */
function onlyDiffers(what: RegExp, suite: CaseReport, service: ConnectionReport): void {
  const differences = reconcileCase(suite, service)
  assert.equal(differences.length, 1, differences.join('\n'))
  assert.match(differences[0], what)
}

function equal(suite: CaseReport, service: ConnectionReport): void {
  assert.deepEqual(reconcileCase(suite, service), [])
}

const closing = sampleConnection().closing

describe('reconciliation of a connection that both ends saw whole', () => {
  it('finds equal counts equal', () => equal(sampleCase(), sampleConnection()))

  it('counts a Close without code as 1005', () => {
    const without = { code: 1005, reason: '' }
    const service = sampleConnection({ closing: { ...closing, received: without, sent: without } })
    equal(sampleCase({ localCloseCode: null, remoteCloseCode: null }), service)
  })

  it('finds one octet too many or too few', () => {
    const { sent, received } = sampleConnection()
    for (const by of [-1, 1]) {
      const octets = sampleConnection({ sent: { ...sent, octets: sent.octets + by } })
      onlyDiffers(/^octets sent: 140 for the suite, 1(39|41) for the service$/, sampleCase(), octets)
      const receivedOctets = { ...received, octets: received.octets + by }
      onlyDiffers(/^octets received: /, sampleCase(), sampleConnection({ received: receivedOctets }))
    }
  })

  it('finds a frame that only one end saw', () => {
    const pong = sampleDirection(140, { text: 1, close: 1, pong: 1 })
    onlyDiffers(/^pong frames sent: 0 for the suite, 1 /, sampleCase(), sampleConnection({ sent: pong }))
    const ping = sampleCase({ txFrameStats: { 1: 1, 8: 1, 9: 1 } })
    onlyDiffers(/^ping frames received: 1 for the suite, 0 /, ping, sampleConnection())
    const reserved = sampleCase({ txFrameStats: { 1: 1, 8: 1, 5: 1 } })
    onlyDiffers(/^reserved 5 frames received/, reserved, sampleConnection())
  })

  it('finds other close codes, and a Close that is missing', () => {
    onlyDiffers(/Close sent: 1002 for the suite, 1000/, sampleCase({ remoteCloseCode: 1002 }), sampleConnection())
    onlyDiffers(/Close received: 1001 for the suite, 1000/, sampleCase({ localCloseCode: 1001 }), sampleConnection())
    const service = sampleConnection({ closing: { ...closing, received: null } })
    onlyDiffers(/Close received: 1000 for the suite, none/, sampleCase(), service)
  })
})

describe('reconciliation when the suite goes on after its Close', () => {
  // Text, Close and a ping of 6 octets.
  const suite = sampleCase({
    txFrameStats: { 1: 1, 8: 1, 9: 1 },
    txOctetStats: { [REQUEST_OCTETS]: 1, 11: 1, 8: 1, 6: 1 },
    wirelog: [logged(1, 5), logged(8, 2), logged(9, 0)],
  })
  const { frames } = sampleConnection().received
  const upToClose = REQUEST_OCTETS + 19

  it('lets the octets behind the Close arrive or not, but counts no frame there', () => {
    for (const octets of [upToClose, upToClose + 3, upToClose + 6])
      equal(suite, sampleConnection({ received: { ...sampleDirection(octets, {}), frames } }))
    const counted = sampleDirection(upToClose + 6, { text: 1, close: 1, ping: 1 })
    onlyDiffers(/^ping frames received: 0 /, suite, sampleConnection({ received: counted }))
  })

  it('does not let octets before the Close be lost, or others come up', () => {
    for (const octets of [upToClose - 1, upToClose + 7])
      onlyDiffers(/^octets received/, suite, sampleConnection({ received: { ...sampleDirection(octets, {}), frames } }))
  })

  it('needs a complete wire log', () => {
    const cut = { ...suite, wirelog: suite.wirelog.slice(1) }
    assert.match(reconcileCase(cut, sampleConnection()).join('\n'), /text frames in the wire log: 1 for the suite, 0/)
  })
})

describe('reconciliation when the service fails the connection', () => {
  // Text, text with a reserved bit, ping, and the Close that answers the service's.
  const suite = sampleCase({
    remoteCloseCode: 1002,
    txFrameStats: { 1: 2, 8: 1, 9: 1 },
    txOctetStats: { [REQUEST_OCTETS]: 1, 11: 2, 6: 1, 8: 1 },
    wirelog: [logged(1, 5), logged(1, 5, { rsv: 2 }), logged(9, 0), logged(8, 2)],
  })
  const upToText = REQUEST_OCTETS + 11
  const failed = { ...closing, received: null, sent: { code: 1002, reason: '' } }

  function service(changes: Partial<ConnectionReport> = {}): ConnectionReport {
    const received = sampleDirection(upToText + 17, { text: 1 })
    return sampleConnection({ error: 'ECHOBAHN_RESERVED_BITS', closing: failed, received, ...changes })
  }

  it('counts the frames before the violation, and octets at least up to there', () => {
    equal(suite, service())
    for (const octets of [upToText, upToText + 25])
      equal(suite, service({ received: sampleDirection(octets, { text: 1 }) }))
    for (const octets of [upToText - 1, upToText + 26])
      onlyDiffers(/^octets received/, suite, service({ received: sampleDirection(octets, { text: 1 }) }))
  })

  it('finds a service that stopped elsewhere', () => {
    onlyDiffers(/frame 1 .* no reason/, suite, service({ received: sampleDirection(upToText, {}) }))
    onlyDiffers(/frame 3 .* no reason/, suite, service({ received: sampleDirection(upToText + 11, { text: 2 }) }))
    onlyDiffers(/no reason for ECHOBAHN_RESERVED_OPCODE/, suite, service({ error: 'ECHOBAHN_RESERVED_OPCODE' }))
    onlyDiffers(/no reason for ECHOBAHN_INTERNAL/, suite, service({ error: 'ECHOBAHN_INTERNAL' }))
  })

  it('finds frames of another kind than those that were sent', () => {
    const differences = reconcileCase(suite, service({ received: sampleDirection(upToText, { binary: 1 }) }))
    assert.equal(differences.length, 2)
  })

  it('finds a Close that was read after the violation', () => {
    const { received } = closing
    onlyDiffers(/Close received: none for the suite, 1000/, suite, service({ closing: { ...failed, received } }))
  })

  it('lets a violation in the payload count as a frame or not', () => {
    const close = sampleCase({
      ...{ remoteCloseCode: 1002, localCloseCode: 999 },
      ...{ txFrameStats: { 8: 1 }, txOctetStats: { [REQUEST_OCTETS]: 1, 8: 1 }, wirelog: [logged(8, 2)] },
    })
    for (const received of [sampleDirection(REQUEST_OCTETS + 8, { close: 1 }), sampleDirection(REQUEST_OCTETS + 8, {})])
      equal(close, service({ error: 'ECHOBAHN_CLOSE_CODE', received }))
  })

  it('knows that the suite does not count a frame that it sends piece by piece', () => {
    const streamed = sampleCase({
      ...{ remoteCloseCode: 1007, txFrameStats: { 8: 1 }, wirelog: [logged(8, 2)] },
      txOctetStats: { [REQUEST_OCTETS]: 1, 6: 1, 11: 1, 8: 1 },
    })
    const invalid = service({
      error: 'ECHOBAHN_INVALID_UTF8',
      closing: { ...failed, sent: { code: 1007, reason: '' } },
      received: sampleDirection(REQUEST_OCTETS + 17, {}),
    })
    equal(streamed, invalid)
    const whole = { ...streamed, txOctetStats: { [REQUEST_OCTETS]: 1, 8: 1 } }
    assert.match(reconcileCase(whole, invalid).join('\n'), /no reason for ECHOBAHN_INVALID_UTF8/)
  })

  it('knows the size of payloads that are a repetition', () => {
    const long = sampleCase({
      ...{ remoteCloseCode: 1002, txFrameStats: { 2: 1, 5: 1, 8: 1 } },
      txOctetStats: { [REQUEST_OCTETS]: 1, 70014: 1, 6: 1, 8: 1 },
      wirelog: [logged(2, 1, { repeatedTo: 70_000 }), logged(5, 0), logged(8, 2)],
    })
    const error = 'ECHOBAHN_RESERVED_OPCODE'
    equal(long, service({ error, received: sampleDirection(REQUEST_OCTETS + 70_014, { binary: 1 }) }))
    const short = sampleDirection(REQUEST_OCTETS + 70_013, { binary: 1 })
    onlyDiffers(/^octets received/, long, service({ error, received: short }))
  })
})
