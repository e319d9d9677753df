// A click on an event, in the table or on the timeline, goes there in the video.
(() => {
  const seek = (target) => {
    const video = document.querySelector("#fl-video video");
    if (!video) return;
    video.currentTime = Number(target.dataset.seek);
    video.scrollIntoView({ block: "nearest", behavior: "smooth" });
    video.play().catch(() => {});
  };
  document.addEventListener("click", (event) => {
    const target = event.target.closest && event.target.closest("[data-seek]");
    if (target) seek(target);
  });
  document.addEventListener("keydown", (event) => {
    const target = event.target.closest && event.target.closest("tr[data-seek]");
    if (target && event.key === "Enter") seek(target);
  });
})();
