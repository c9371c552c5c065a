import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Annotations, chooseSink, type RegionSink } from '../../autobahn/annotations.js'
import { startGrafana } from '../../support/fake-grafana.js'

const CASES = ['1.1.1', '1.2.1', '2.1', '12.1.1', '12.2.1']

const EXPECTED = [
  { time: 1000, timeEnd: 4000, tags: ['autobahn', 'family'], text: '1 framing' },
  { time: 2000, timeEnd: 5000, tags: ['autobahn', 'family'], text: '12.1 compression, different payloads' },
  { time: 4000, timeEnd: 6000, tags: ['autobahn', 'family'], text: '2 pings and pongs' },
  { time: 5000, timeEnd: 7000, tags: ['autobahn', 'family'], text: '12.2 compression, different payloads' },
  { time: 0, timeEnd: 7000, tags: ['autobahn', 'run'], text: 'Autobahn run, 5 cases' },
]

/** Two processes run the cases, a second for each; the second one is interrupted. */
async function annotate(sink: RegionSink): Promise<void> {
  let now = 0
  const annotations = new Annotations(CASES, sink, () => now)
  for (const [process, id] of [
    [0, '1.1.1'],
    [1, '12.1.1'],
    [0, '1.2.1'],
    [0, '2.1'],
    [1, '12.2.1'],
  ] as const) {
    now += 1000
    annotations.began(process, id)
  }
  now += 1000
  annotations.ended(0)
  now += 1000
  await annotations.finish()
}

describe('annotations', () => {
  it('are posted to Grafana as they end', async t => {
    const { requests, url } = await startGrafana(t, 200)
    await annotate(chooseSink({ GRAFANA_URL: url, GRAFANA_TOKEN: 'glsa_x' }, '/nowhere'))
    for (const { line, authorization } of requests)
      assert.deepEqual([line, authorization], ['POST /api/annotations', 'Bearer glsa_x'])
    const texts = (regions: readonly unknown[]) => regions.map(region => JSON.stringify(region)).sort()
    assert.deepEqual(texts(requests.map(({ body }) => body)), texts(EXPECTED))
  })

  it('that Grafana does not take are an error that says why', async t => {
    const { url } = await startGrafana(t, 401)
    await assert.rejects(
      annotate(chooseSink({ GRAFANA_URL: url, GRAFANA_TOKEN: 'old' }, '/nowhere')),
      /^Error: Grafana took no annotation: 401 .*so it is/,
    )
  })

  it('go to a file without a token', async t => {
    const directory = await mkdtemp(join(tmpdir(), 'annotations-'))
    t.after(() => rm(directory, { recursive: true }))
    const file = join(directory, 'annotations.json')
    await annotate(chooseSink({ GRAFANA_URL: 'http://127.0.0.1:1' }, file))
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), EXPECTED)
  })
})
