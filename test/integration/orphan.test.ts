// The primary dies: its workers leave on their own.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { EchoLoad, EchoPeer } from '../support/echo-peer.js'
import { sabotage } from '../support/sabotage.js'
import { Service, startService } from '../support/service.js'

/** What is left of a worker when its primary is gone: nothing, and not a word. */
async function assertLeavesInSilence(service: Service, peers: readonly EchoPeer[]): Promise<void> {
  let said = ''
  service.child.stderr?.on('data', text => (said += text))
  service.signal('SIGKILL')
  // The workers hold the stderr of their primary, so that closes when the last of them is gone.
  await once(service.child, 'close')
  assert.deepEqual(new Set(await Promise.all(peers.map(peer => peer.closed))), new Set([1006]))
  assert.equal(said, '')
}

/** Codec threads stop for ever in the middle of making a zlib context, and say so. */
const STOP_IN_CONTEXT = `
  import { writeSync } from 'node:fs'
  import { isMainThread } from 'node:worker_threads'
  import { DeflateRaw } from 'node:zlib'
  // Node sets this one between making the context and setting it up.
  if (!isMainThread) Object.defineProperty(DeflateRaw.prototype, '_writeState', {
    set() {
      writeSync(2, '{"msg":"a context is being made"}\\n')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    },
  })
`

describe('workers without their primary', () => {
  for (const [state, options] of [
    ['idle', []],
    ['with codec threads at work', ['--offload', 'always']],
  ] as const) {
    it(`leave, ${state}, and say nothing`, async t => {
      const service = await startService(t, '--workers', '2', ...options)
      const peers = await EchoPeer.openMany(service.url, 10, { perMessageDeflate: true })
      const load = new EchoLoad(peers, true)
      await Promise.all(
        peers.map(peer =>
          service.until(
            async () => peer.echoes,
            echoes => echoes > 0,
          ),
        ),
      )
      if (options.length === 0) await load.stop()
      await assertLeavesInSilence(service, peers)
      await load.stop()
    })
  }

  it('leave, with a codec thread that makes a zlib context, and say nothing', async t => {
    const service = new Service(['--workers', '1', '--offload', 'always'], sabotage(STOP_IN_CONTEXT))
    t.after(() => service.stop())
    await service.listening()
    const peers = await EchoPeer.openMany(service.url, 1, { perMessageDeflate: true })
    const load = new EchoLoad(peers, true)
    await service.logged(({ msg }) => msg === 'a context is being made')
    await assertLeavesInSilence(service, peers)
    await load.stop()
  })
})
