"""What dashboards show: data of the site, of files, and of other hosts, with the rights of whoever looks."""
