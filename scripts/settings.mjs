// What is probably a mistake in the files that the settings come from. The Worker cannot see these: a line that wrangler
// does not understand is not there for it, and a secret is a text like others.

/**
 * One line for each.
 *
 * @param {object} files
 * @param {string} [files.devVars] the text of .dev.vars
 * @param {Record<string, unknown>} [files.vars] the `[vars]` of wrangler.toml
 */
export function mistakes({ devVars = "", vars = {} }) {
  // Values in quotes may have several lines.
  const lines = devVars.replace(/=\s*(["'`])[^]*?\1/g, (value) => `=${value.replace(/[^\n]/g, "")}`).split("\n");
  const unread = [...lines.entries()].filter(([, line]) => !/^\s*(#.*|(export\s+)?[\w.-]+\s*=.*)?$/.test(line) && line.trim() !== "");
  const secrets = Object.keys(vars).filter((name) => /_(SECRET|TOKEN)(_OLD)?$/.test(name) && vars[name] !== "");
  return [
    ...unread.map(([index]) => `.dev.vars, line ${index + 1}, has no NAME="value" and is ignored`),
    ...secrets.map((name) => `${name} is in [vars] of wrangler.toml, where whoever sees the file reads it: take it out, and run npx wrangler secret put ${name}`),
  ];
}
