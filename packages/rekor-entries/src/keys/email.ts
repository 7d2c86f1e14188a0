/** E-mail addresses in keys, for the search index. */

const lengthLimit = 320

/** Whether `text` is nothing but an address whose domain has a dot. */
export function isEmail(text: string): boolean {
  return (
    text.length <= lengthLimit && /^[^\s@<>"(),;:\\]+@[^\s@<>"(),;:\\.]+(?:\.[^\s@<>"(),;:\\.]+)+$/.test(text)
  )
}
