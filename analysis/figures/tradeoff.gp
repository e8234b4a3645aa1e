# Drawn from what plot.c hands over: see analysis/README.md.
set border 3 lc rgb '#555555'
set grid lc rgb '#e4e4e4' lt 1
set tics nomirror out scale 0.5
do for [p = 1:panels] {
  do for [v = 1:variants] {
    @PLACE
    @KEY
    wide = p > 1 && x_least[p] > 0 && x_most[p] > 10 * x_least[p]
    if (wide) { set logscale x; set xrange [x_least[p] * 0.8:x_most[p] * 1.25] } \
    else { unset logscale x; set xrange [x_low[p]:x_high[p]] }
    set yrange [y_low[p]:y_high[p]]
    set xlabel x_title[p]
    set ylabel (v == 1 ? y_title[p] : '') offset 1,0
    set title (p == 1 ? variant[v] : '')
    plot $line  index (p - 1) * variants + v - 1 using 1:4 with lines lc rgb '#999999' dt 2 lw 1.5 title (p == 1 ? 'hull' : ''), \
         $steps index (p - 1) * variants + v - 1 using 1:4 with steps lc rgb '#999999' lw 1 notitle, \
         for [l = 1:labels] $point index ((p - 1) * variants + v - 1) * labels + l - 1 \
           using 1:4:2:3:5:6 with xyerrorbars lc rgb colour[l] pt symbol[l] ps 1.1 lw 1.3 title label[l]
  }
}
