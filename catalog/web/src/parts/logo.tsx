/** A culvert: the road above, the arch, and the water that passes under it. */
export const Logo = () => (
  <svg class="logo" viewBox="0 0 32 32" width="30" height="30" aria-hidden="true" focusable="false">
    <path class="logo-road" d="M1.500 6.500h29" />
    <path class="logo-arch" d="M5.500 27.500v-5.500a10.500 10.500 0 0 1 21 0v5.500" />
    <path
      class="logo-water"
      d="M10.500 21.500c1.800-1.500 3.700-1.500 5.500 0s3.700 1.500 5.500 0M10.500 26.500c1.800-1.500 3.700-1.500 5.500 0s3.700 1.500 5.500 0"
    />
  </svg>
);
