/** A culvert: the road above, the arch, and the water that passes under it. */
export const Logo = () => (
  <svg class="logo" viewBox="0 0 32 32" width="30" height="30" aria-hidden="true" focusable="false">
    <path class="logo-road" d="M2 7h28v4H2z" />
    <path class="logo-wall" fill-rule="evenodd" d="M2 11h28v17h-6v-2a8 8 0 0 0-16 0v2H2z" />
    <path class="logo-water" d="M9 26.500c2.300-2 4.700-2 7 0s4.700 2 7 0" />
    <path class="logo-dash" d="M5 9h4m3 0h4m3 0h4m3 0h2" />
  </svg>
);
