/* Link types: the values in files (LINKTYPE_) and those of libpcap's calls (DLT_) differ where the
 * BSDs once differed. Values: the LINKTYPE list of the Tcpdump Group, and pcap/dlt.h for this
 * system. */
#include <pcap/pcap.h>

#include "base/xalloc.h"
#include "bpf/program.h"

static const struct {
	uint32_t link_type;
	int dlt;
} differs[] = {
	{100, DLT_ATM_RFC1483}, {101, DLT_RAW},	     {102, DLT_SLIP_BSDOS}, {103, DLT_PPP_BSDOS},
	{104, DLT_C_HDLC},	{106, DLT_ATM_CLIP}, {108, DLT_LOOP},	    {109, DLT_ENC},
};

int bpf_dlt_of_link_type(uint32_t link_type)
{
	for (size_t i = 0; i < ARRAY_LEN(differs); i++) {
		if (differs[i].link_type == link_type)
			return differs[i].dlt;
	}
	return (int)link_type;
}

uint32_t bpf_link_type_of_dlt(int dlt)
{
	for (size_t i = 0; i < ARRAY_LEN(differs); i++) {
		if (differs[i].dlt == dlt)
			return differs[i].link_type;
	}
	return (uint32_t)dlt;
}
