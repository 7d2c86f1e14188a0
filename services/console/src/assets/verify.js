// Files are read here: the bundle into its field, of the file to verify only the digest.
import { digestOf } from './digest.js'

const field = (id) => document.getElementById(id)
const state = field('digest-state')

for (const id of ['bundle-file', 'artifact-file']) field(id).hidden = false
field('bundle-file').addEventListener('change', ({ target }) => target.files[0] && take(target.files[0]))
field('artifact-file').addEventListener('change', ({ target }) => target.files[0] && hash(target.files[0]))

for (const name of ['dragover', 'drop'])
  document.body.addEventListener(name, (event) => {
    event.preventDefault()
    if (name === 'drop')
      for (const file of event.dataTransfer.files)
        void (file.name.endsWith('.json') ? take(file) : hash(file))
  })

async function take(file) {
  field('bundle').value = await file.text()
}

async function hash(file) {
  state.textContent = `Hashing ${file.name} …`
  try {
    field('digest').value = `sha256:${await digestOf(file)}`
    state.textContent = `${file.name} was hashed in this browser.`
  } catch (error) {
    state.textContent = error.message
  }
}
