// `npm run pictures`: runs a load against the real service, asks a real Prometheus what the panels of the dashboards ask, and has
// Grafana's own components draw the answers for docs/. Needs prometheus and chromium.

import { mkdirSync } from 'node:fs'
import { CAN_DRAW, draw } from '../support/grafana-panels.js'
import { DASHBOARDS } from '../support/panel-queries.js'
import { HAS_PROMETHEUS } from '../support/prometheus.js'
import { WatchedService } from '../support/watched-service.js'

const FOLDER = 'docs/pictures'

/** Seconds that the pictures show, before which there are as many more as a rate looks back; and between their points. */
const DURATION = 90
const LOOK_BACK = 20
const STEP = 5

/** Those whose data the load below makes: the others need the Autobahn Testsuite and k6. */
const PICTURES: Readonly<Record<string, string>> = {
  'echobahn-service': 'echo-service.png',
  'echobahn-workers': 'workers-and-codec.png',
  'echobahn-load': 'load-test.png',
}

if (!HAS_PROMETHEUS || !CAN_DRAW)
  throw new Error('prometheus, chromium or the package in test/pictures/panels is missing')
mkdirSync(FOLDER, { recursive: true })
const watched = await WatchedService.start()
try {
  const scraped = watched.scrapedFor(LOOK_BACK + DURATION)
  await watched.load.readSlowly()
  const { last } = await scraped
  const drawings = DASHBOARDS.filter(({ uid }) => uid in PICTURES).map(dashboard => ({
    ...{ dashboard, from: last - DURATION, to: last, step: STEP, rateInterval: `${LOOK_BACK}s` },
    picture: `${FOLDER}/${PICTURES[dashboard.uid]}`,
  }))
  await draw(watched.prometheus, drawings)
} finally {
  await watched.stop()
}
