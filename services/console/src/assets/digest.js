// SHA-256 of a file in this page: nothing of it is sent.
const largest = 1 << 30

/** Hexadecimal; throws a sentence for who chose the file. */
export async function digestOf(file) {
  if (globalThis.crypto?.subtle === undefined)
    throw new Error('This page was not loaded by https, so the browser hashes nothing here.')
  if (file.size > largest)
    throw new Error('The file is larger than a gigabyte: hash it with sha256sum and write the digest here.')
  return hexOf(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()))
}

export function hexOf(bytes) {
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** A place where a file may be dropped or chosen; `take` gets it. */
export function takeFiles(zone, input, take) {
  input.addEventListener('change', () => input.files[0] && take(input.files[0]))
  for (const name of ['dragover', 'dragleave', 'drop'])
    zone.addEventListener(name, (event) => {
      event.preventDefault()
      zone.classList.toggle('over', name === 'dragover')
      if (name === 'drop' && event.dataTransfer.files[0]) take(event.dataTransfer.files[0])
    })
}
