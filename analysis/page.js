// What the page does by itself: it opens its parts for print, shows compressed figures, and looks for a newer version of
// itself while its grid runs.
"use strict";
{
  const details = [...document.querySelectorAll("details")];

  // On a narrow screen the contents would fill it.
  if (matchMedia("(max-width: 64rem)").matches) document.getElementById("contents").open = false;

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = details.filter((one) => !one.open);
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of closed) one.open = false;
  });

  const show = async (image) => {
    const bytes = Uint8Array.from(atob(image.dataset.gzip), (letter) => letter.charCodeAt(0));
    const content = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const blob = new Blob([await new Response(content).arrayBuffer()], { type: image.dataset.kind });
    image.src = URL.createObjectURL(blob);
  };
  for (const image of document.querySelectorAll("img[data-gzip]")) show(image);

  // A page that nobody renews any more is not loaded again; nor is one in which somebody is typing or looking around.
  const EVERY_MS = 60_000;
  const madeAt = document.documentElement.dataset.madeAt;
  const isBusy = () => document.activeElement.matches("input, select");
  if (madeAt && Date.now() - Date.parse(madeAt) < 10 * EVERY_MS) {
    setInterval(() => isBusy() || location.reload(), EVERY_MS);
    document.getElementById("renewal").append(" The page loads itself again every minute.");
  }
}
