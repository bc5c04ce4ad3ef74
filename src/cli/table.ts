/** Tables as docker prints them: headings in capitals, columns as wide as their widest cell and three blanks, at least ten. */

const gap = 3;
const narrowest = 10;

/** The lines of a table; cells that are missing are empty. The last column is not padded. */
export function tableLines(headings: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) =>
    Math.max(narrowest, ...all.map((row) => letters(row[column] ?? "") + gap)),
  );
  return all.map((row) =>
    headings
      .map((_, column) => {
        const cell = row[column] ?? "";
        return column === headings.length - 1 ? cell : cell + " ".repeat((widths[column] ?? 0) - letters(cell));
      })
      .join("")
      .trimEnd(),
  );
}

/** Letters, not UTF-16 units. */
const letters = (text: string): number => [...text].length;
