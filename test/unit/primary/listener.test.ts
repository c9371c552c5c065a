import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { authority, listen } from '../../../src/primary/listener.js'

describe('listen', () => {
  it('names port and host when the port is in use', async t => {
    const first = createServer()
    t.after(() => first.close())
    const port = await listen(first, '127.0.0.1', 0)
    await assert.rejects(listen(createServer(), '127.0.0.1', port), {
      code: 'ECHOBAHN_LISTEN_FAILED',
      exitCode: 1,
      message: `port ${port} on 127.0.0.1 is in use by another process`,
    })
  })

  it('says so when the host is not an address of this machine', async () => {
    await assert.rejects(listen(createServer(), '192.0.2.1', 0), { message: /^192\.0\.2\.1 is not an address/ })
  })
})

describe('authority', () => {
  it('puts IPv6 addresses in brackets', () => {
    assert.equal(authority('::1', 8888), '[::1]:8888')
    assert.equal(authority('127.0.0.1', 8888), '127.0.0.1:8888')
    assert.equal(authority('localhost', 0), 'localhost:0')
  })
})
