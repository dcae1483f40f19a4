/** Django's translations of texts, which its JavaScriptCatalog defines as globals; English where there is none. */

export const gettext = (text) => globalThis.gettext?.(text) ?? text;

export const ngettext = (singular, plural, count) =>
  globalThis.ngettext?.(singular, plural, count) ?? (count === 1 ? singular : plural);

/** Put values into the places `%(name)s` of a text. */
export const interpolate = (text, values) =>
  text.replace(/%\((\w+)\)s/g, (place, name) => (Object.hasOwn(values, name) ? String(values[name]) : place));
