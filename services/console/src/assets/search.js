// A file that is chosen, or dropped anywhere on the page, is looked for by its digest.
import { digestOf, takeFiles } from './digest.js'

const zone = document.getElementById('drop')
const state = document.getElementById('drop-state')
zone.hidden = false
takeFiles(document.body, document.getElementById('file'), async (file) => {
  state.textContent = `Hashing ${file.name} …`
  try {
    const digest = await digestOf(file)
    state.textContent = `SHA-256 ${digest}`
    location.assign(`/search?q=sha256:${digest}`)
  } catch (error) {
    state.textContent = error.message
  }
})
