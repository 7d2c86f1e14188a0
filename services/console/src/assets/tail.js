// New entries on top as they come; never more than a hundred, and none while paused. Where more came at once than is told, a row says so.
const rows = document.getElementById('entries')
const state = document.getElementById('tail-state')
const pause = document.getElementById('tail-pause')
const most = 100
let waiting = []
let isPaused = false
let came = 0
let passedOver = 0

// Behind what the page shows: nothing that came since it was made is missed.
const asked = new URLSearchParams(location.search)
const newest = rows.querySelector('.number')?.textContent
if (newest !== undefined) asked.set('after', newest)
const source = new EventSource(`/log/events?${asked}`)
source.addEventListener('open', () => tell('Entries come as they are logged.'))
source.addEventListener('error', () => tell('The connection is lost; it is tried again.'))
source.addEventListener('message', ({ data }) => {
  came++
  take(rowOf(JSON.parse(data)))
})
source.addEventListener('skipped', ({ data }) => {
  passedOver += Number(data)
  take(gapOf(data))
})

pause.hidden = false
pause.addEventListener('click', () => {
  isPaused = !isPaused
  pause.textContent = isPaused ? 'Go on' : 'Pause'
  if (!isPaused) show()
})

// Not at each entry: that would be read aloud without end.
setInterval(() => {
  const others = passedOver > 0 ? `, and ${passedOver} more that are not shown` : ''
  if (came > 0) tell(`${came} new since the page was loaded${others}.`)
}, 10_000)

function tell(text) {
  if (state.textContent !== text) state.textContent = text
}

function take(row) {
  waiting = [...waiting, row].slice(-most)
  if (!isPaused) show()
}

function show() {
  for (const row of waiting) rows.prepend(row)
  waiting = []
  while (rows.children.length > most) rows.lastElementChild.remove()
}

/** In the place of entries that are not told. */
function gapOf(count) {
  const row = document.createElement('tr')
  row.className = 'new'
  const cell = document.createElement('td')
  cell.colSpan = 5
  cell.className = 'quiet'
  cell.textContent =
    count === '1' ? '… one entry in between is not shown' : `… ${count} entries in between are not shown`
  row.append(cell)
  return row
}

function rowOf({ path, logIndex, logged, kind, subjects, issuers, keyHashes }) {
  const link = document.createElement('a')
  link.href = path
  link.textContent = logIndex
  const time = document.createElement('time')
  if (logged !== undefined) time.dateTime = logged
  time.textContent = logged === undefined ? 'not known' : `${logged.slice(0, 10)} ${logged.slice(11, 19)}`
  const row = document.createElement('tr')
  row.className = 'new'
  const who = visible(subjects[0] ?? (keyHashes[0] === undefined ? '' : `key ${keyHashes[0].slice(0, 16)}…`))
  for (const content of [link, time, kind, who, visible(issuers[0] ?? '')]) {
    const cell = document.createElement('td')
    cell.append(content)
    row.append(cell)
  }
  row.children[0].className = 'number'
  for (const at of [3, 4]) row.children[at].className = 'who'
  return row
}

/** As on the pages of the server: what cannot be seen, or turns a text around, is seen. */
function visible(text) {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
    (character) => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  )
}
