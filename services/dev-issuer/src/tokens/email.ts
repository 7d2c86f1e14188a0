/**
 * Addresses that certificate authorities of this kind accept: an unquoted ASCII local part, and a domain of
 * at least two labels whose last one begins and ends with a letter. Everything else is refused rather than
 * cleaned, so that what a page shows is what the token says.
 */
export function isEmail(text: string): boolean {
  if (text.length > 254) return false
  const at = text.lastIndexOf('@')
  const labels = text.slice(at + 1).split('.')
  return (
    /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(text.slice(0, at)) &&
    at <= 64 &&
    labels.length >= 2 &&
    labels.every((label) => /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label)) &&
    /^[A-Za-z](.*[A-Za-z])?$/.test(labels.at(-1) ?? '')
  )
}
