export function generate(text: string): {
  toCanvas(canvas: HTMLCanvasElement, options?: { off?: number[]; pad?: number }): void;
};
