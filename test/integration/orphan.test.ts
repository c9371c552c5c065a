// The primary dies: its workers leave on their own.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { EchoLoad, EchoPeer } from '../support/echo-peer.js'
import { startService } from '../support/service.js'

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
      let said = ''
      service.child.stderr?.on('data', text => (said += text))
      service.signal('SIGKILL')
      // The workers hold the stderr of their primary, so that closes when the last of them is gone.
      await once(service.child, 'close')
      assert.deepEqual(new Set(await Promise.all(peers.map(peer => peer.closed))), new Set([1006]))
      await load.stop()
      assert.equal(said, '')
    })
  }
})
