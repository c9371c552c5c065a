// The console: shows the page that the address names, what the service is at, and whether the live feed has a connection.

import { placeOf } from './address.js'
import { askForToken } from './ask-for-token.js'
import { connections } from './connections.js'
import { make, setText } from './dom.js'
import { counted } from './format.js'
import { LiveFeed } from './live-feed.js'
import { overview } from './overview.js'
import { playground } from './playground.js'
import { report } from './report.js'
import { startTheme } from './theme.js'
import type { View } from './view.js'

const main = element('main')
const banner = element('banner')
const link = element('link')
const feed = new LiveFeed()
let view: View | undefined
/** Made once: its connection goes on while somebody looks at another page. */
let kept: View | undefined
let asking = false

const LINKS = { connecting: 'Connecting…', live: 'Live', lost: 'No connection, trying again', token: 'Token needed' }

function element(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`no element ${id}`)
  return found
}

function viewOf(hash: string): View {
  const place = placeOf(hash)
  if (place.view === 'overview') return overview(feed)
  if (place.view === 'connections') return connections(place.query)
  if (place.view === 'report') return report(place.id)
  if (place.view === 'playground') {
    kept ??= playground(feed)
    return kept
  }
  const text = make('div', {}, make('h1', {}, 'There is no such page'), make('a', { href: '#/' }, 'To the overview'))
  return { title: 'No such page', element: text, leave: () => {} }
}

function show(): void {
  view?.leave()
  view = asking ? askForToken(feed.link === 'token', begin) : viewOf(location.hash)
  document.title = `${view.title} · echobahn`
  main.replaceChildren(view.element)
  view.shown?.()
  const { view: name } = placeOf(location.hash)
  for (const anchor of document.querySelectorAll('nav a')) {
    const { view: target } = placeOf(anchor.getAttribute('href') ?? '')
    const isHere = target === name || (target === 'connections' && name === 'report')
    if (isHere) anchor.setAttribute('aria-current', 'page')
    else anchor.removeAttribute('aria-current')
  }
}

function begin(): void {
  asking = false
  feed.start()
  show()
}

function tellState(): void {
  const { state, link: now } = feed
  setText(link, LINKS[now])
  link.dataset.state = now
  const words = now === 'live' && state !== undefined ? wordsOf(state) : ''
  setText(banner, words)
  banner.hidden = words === ''
}

function wordsOf({ readiness, reloading, workers }: NonNullable<LiveFeed['state']>): string {
  const leaving = workers.filter(({ state }) => state === 'leaving').length
  if (readiness === 'draining') return `Draining: ${counted(leaving, 'worker')} still to leave, then the service ends.`
  if (reloading)
    return `Reload under way: workers are replaced one after another; ${counted(leaving, 'old one')} still to leave.`
  if (readiness === 'no-worker') return 'No worker is ready: new connections wait.'
  if (readiness === 'starting') return 'The service is starting.'
  const silent = workers.filter(({ state }) => state === 'unresponsive').map(({ worker }) => worker)
  if (silent.length > 0) return `Not responding: worker ${silent.join(', ')}.`
  return leaving > 0 ? `Reloaded; ${counted(leaving, 'old worker')} still to leave.` : ''
}

feed.listen(() => {
  tellState()
  if (feed.link === 'token' && !asking) {
    asking = true
    show()
  }
})
addEventListener('hashchange', () => {
  if (!asking && view?.moved?.()) return
  show()
  main.focus()
})
startTheme(element('theme'), () => view?.recolour?.())
tellState()
begin()
